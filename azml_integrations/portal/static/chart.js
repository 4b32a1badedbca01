// Charts: what the server tells, drawn by plotly, which is loaded when the first chart comes into sight.
// `renderChart` is the one place that knows plotly.
const root = document.documentElement.dataset.root;
const COLOURS = ["#2f6fd0", "#d9822b", "#2e9e6b", "#c2477f", "#7b5cd6", "#b8a21f", "#3aa6c9", "#a65f3b", "#6b7c93", "#d05050"];
const DRAWN = { passive: true };
let loading;

function plotly() {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = document.documentElement.dataset.plotly;
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error("plotly is not installed: pip install 'azml-integrations[studio]'"));
    document.head.append(script);
  });
  return loading;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function smoothed(values, weight) {
  let last = null, n = 0;
  return values.map((value) => {
    if (value === null) return null;
    n += 1;
    last = (last ?? 0) * weight + (1 - weight) * value;
    return last / (1 - weight ** n);
  });
}

function wanted() {
  const words = new URLSearchParams(location.search);
  return { smoothing: Number(words.get("smoothing") ?? 0) || 0, logx: words.has("logx"), logy: words.has("logy") };
}

const dates = (spec, values) => (spec.x.date ? values.map((at) => at === null ? null : new Date(at * 1000)) : values);

// One closed shape for each stretch of a band in which any run counts.
function shape(spec, one, look) {
  const x = [], y = [], at = dates(spec, one.x);
  const least = look.logy ? Math.min(...one.low.filter((low) => low > 0), ...one.y.filter((mean) => mean > 0)) : -Infinity;
  for (let first = 0; first < at.length; first += 1) {
    if (one.y[first] === null) continue;
    let end = first;
    while (end + 1 < at.length && one.y[end + 1] !== null) end += 1;
    const places = Array.from({ length: end - first + 1 }, (_, n) => first + n), back = [...places].reverse();
    x.push(...places.map((n) => at[n]), ...back.map((n) => at[n]), null);
    y.push(...places.map((n) => one.high[n]), ...back.map((n) => Math.max(one.low[n], least)), null);
    first = end;
  }
  return { type: "scatter", mode: "lines", x, y, fill: "toself", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
}

const short = (value) => Number(value.toPrecision(5));
const around = (one) => one.y.map((mean, n) => mean === null ? "" : `${short(one.low[n])} to ${short(one.high[n])}, ${one.runs[n]} ${one.runs[n] === 1 ? "run" : "runs"}`);

const TRACES = {
  lines(spec, look) {
    const traces = [];
    spec.series.forEach((one, place) => {
      const ink = COLOURS[place % COLOURS.length], x = dates(spec, one.x);
      const few = spec.markers || one.count < 30;
      const line = { color: ink, width: 1.6, dash: one.dash ? "dash" : "solid" };
      const base = { type: "scatter", x, name: one.name, legendgroup: one.name, mode: few && !one.dash ? "lines+markers" : "lines", marker: { size: 5 } };
      if (one.low) {
        traces.push({ ...shape(spec, one, look), legendgroup: one.name, fillcolor: `${ink}2e` });
        Object.assign(base, { text: around(one), hovertemplate: "%{y} (%{text})" });
      }
      if (one.errors) base.error_y = { array: one.errors, color: ink };
      if (look.smoothing > 0 && !one.dash && one.y.length > 2) {
        traces.push({ ...base, y: one.y, mode: "lines", line: { ...line, width: 1 }, opacity: 0.3, showlegend: false, hoverinfo: "skip" });
        traces.push({ ...base, y: smoothed(one.y, look.smoothing), line });
      } else traces.push({ ...base, y: one.y, line });
      if (one.odd?.length) {
        const low = Math.min(...one.y.filter((y) => y !== null), Infinity);
        traces.push({ type: "scatter", mode: "markers", x: dates(spec, one.odd), y: one.odd.map(() => Number.isFinite(low) ? low : 0), name: one.name, legendgroup: one.name, showlegend: false, marker: { symbol: "x", color: colour("--bad"), size: 7 }, hovertemplate: `NaN or infinite<extra>${plain(one.name)}</extra>` });
      }
    });
    return traces;
  },
  points: (spec) => spec.series.map((one) => ({ type: "scatter", mode: "markers", x: one.x, y: one.y, text: one.labels, customdata: one.links, marker: { size: 9, color: COLOURS[0], opacity: 0.8 }, hovertemplate: `%{text}<br>${plain(spec.x.title)} %{x}<br>${plain(spec.y.title)} %{y}<extra></extra>` })),
  bars: (spec) => spec.series.map((one) => ({ type: "bar", x: one.x, y: one.y, width: one.widths, name: one.name, marker: { color: COLOURS[0] } })),
  heat: (spec) => [{ type: "heatmap", z: spec.cells, x: spec.x.labels, y: spec.y.labels, colorscale: [[0, colour("--card")], [1, COLOURS[0]]], showscale: false, texttemplate: spec.cells.length <= 20 ? "%{z}" : "", hovertemplate: "true %{y}<br>predicted %{x}<br>%{z}<extra></extra>" }],
  parallel: (spec) => spec.series.map((one, place) => ({ type: "scatter", mode: "lines+markers", x: spec.axes.map((_, axis) => axis), y: one.y, text: one.texts, name: one.name, customdata: one.y.map(() => one.link), line: { color: COLOURS[place % COLOURS.length], width: 1.2 }, marker: { size: 4 }, opacity: 0.75, hovertemplate: "%{text}" })),
};

const plain = (text) => String(text).replace(/[<>&]/g, (letter) => `&#${letter.charCodeAt(0)};`);

function layout(spec, look) {
  const ink = colour("--dim"), line = colour("--line");
  const axis = (told, log) => ({ title: { text: plain(told?.title ?? ""), font: { size: 11 }, standoff: 8 }, gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, type: log && !told?.date ? "log" : undefined, exponentformat: "power" });
  const found = {
    margin: { l: 50, r: 12, t: 8, b: 36 }, font: { color: ink, size: 11, family: "system-ui, sans-serif" },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: spec.kind !== "parallel" && spec.series.length > 1,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 10 }, maxheight: 0.27 }, hovermode: spec.kind === "lines" && spec.series.length <= 12 ? "x unified" : "closest",
    hoverlabel: { namelength: -1, bgcolor: colour("--card"), font: { color: colour("--ink") } },
    xaxis: axis(spec.x, look.logx || spec.x?.log), yaxis: { ...axis(spec.y, look.logy), nticks: look.logy ? 3 : 0 }, uirevision: "stay",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: ink, activecolor: colour("--accent") },
  };
  if (spec.kind === "heat") found.yaxis.autorange = "reversed", found.xaxis.type = found.yaxis.type = "category";
  if (spec.kind === "parallel") {
    const ends = (place) => spec.axes.map((one, at) => ({ x: at, y: place, text: plain(one.ends[place]), showarrow: false, xanchor: "left", xshift: 6, bgcolor: colour("--card"), borderpad: 1, font: { size: 10, color: colour("--ink") } }));
    Object.assign(found.xaxis, { tickvals: spec.axes.map((_, at) => at), ticktext: spec.axes.map((one) => plain(one.title)), side: "top", showgrid: false, zeroline: false, showline: false, range: [-0.2, spec.axes.length - 0.8], type: "linear" });
    Object.assign(found.yaxis, { visible: false, range: [-0.08, 1.08], type: "linear" });
    found.shapes = spec.axes.map((_, at) => ({ type: "line", x0: at, x1: at, y0: 0, y1: 1, layer: "below", line: { color: ink, width: 1 } }));
    found.annotations = [...ends(0), ...ends(1)];
    found.margin = { l: 20, r: 44, t: 30, b: 20 };
  }
  return found;
}

export async function renderChart(figure, spec) {
  const Plotly = await plotly(), look = wanted(), plot = figure.querySelector(".plot");
  const settings = { responsive: true, displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "toImage"], doubleClick: "reset+autosize" };
  const laid = layout(spec, look), range = spec.kind === "lines" ? ends(figure, spec, laid.xaxis.type === "log") : undefined;
  if (range?.every((end) => typeof end === "string" || Number.isFinite(end))) laid.xaxis.range = range;
  await Plotly.react(plot, TRACES[spec.kind](spec, look), laid, settings);
  if (!figure.dataset.heard) {
    figure.dataset.heard = "1";
    plot.on("plotly_click", (event) => { const link = event.points[0]?.customdata; if (typeof link === "string") location.href = root + link; });
    if (spec.kind === "lines") plot.on("plotly_relayout", (moved) => zoomed(figure, moved));
  }
  figure.dataset.drawn = spec.kind;
  const count = spec.count ?? Math.max(0, ...spec.series.map((one) => one.count ?? 0));
  const shown = spec.shown ?? Math.max(0, ...spec.series.map((one) => one.shown ?? 0));
  const words = spec.kind === "points" ? "runs" : spec.kind === "parallel" ? "runs" : "points";
  const counted = count ? (shown < count ? `${shown.toLocaleString("en")} of ${count.toLocaleString("en")} ${words}` : `${count.toLocaleString("en")} ${words}`) : "";
  const told = figure.querySelector(".count");
  told.textContent = [counted, spec.note].filter(Boolean).join(" · ");
  told.title = spec.rule ?? "";
  const caption = figure.querySelector("figcaption span");
  if (caption && spec.title) caption.textContent = spec.title;
}

// The part of x that a chart shows stands in the address as zoom=LOW~HIGH~METRIC.
const named = (figure) => { const words = new URLSearchParams(figure.dataset.chart.split("?")[1] ?? ""); return words.get("metric") ?? words.get("kind") ?? "chart"; };
const zooms = () => new URLSearchParams(location.search).getAll("zoom").map((one) => one.split("~")).map(([low, high, ...name]) => ({ low: Number(low), high: Number(high), name: name.join("~") }));

function part(figure, low, high) {
  const some = Number.isFinite(low) && Number.isFinite(high);
  figure.range = some ? [low, high] : null;
  figure.dataset.between = some ? `&min=${low}&max=${high}` : "";
}

function keep(figure) {
  const address = new URL(location.href), rest = zooms().filter((one) => one.name !== named(figure));
  address.searchParams.delete("zoom");
  if (figure.range) rest.push({ low: figure.range[0], high: figure.range[1], name: named(figure) });
  for (const one of rest) address.searchParams.append("zoom", `${one.low}~${one.high}~${one.name}`);
  history.replaceState(null, "", address);
}

const ends = (figure, spec, log) => figure.range?.map((end) => spec.x.date ? new Date(end * 1000).toISOString() : log ? Math.log10(end) : end);

let waiting;
function zoomed(figure, moved) {
  const low = moved["xaxis.range[0]"] ?? moved["xaxis.range"]?.[0], high = moved["xaxis.range[1]"] ?? moved["xaxis.range"]?.[1];
  if (low === undefined && !moved["xaxis.autorange"]) return;
  clearTimeout(waiting);
  const { type } = figure.querySelector(".plot")._fullLayout.xaxis;
  const number = (end) => typeof end !== "number" ? Date.parse(`${String(end).replace(" ", "T")}Z`) / 1000 : type === "log" ? 10 ** end : end;
  waiting = setTimeout(() => {
    part(figure, low === undefined ? NaN : number(low), number(high));
    keep(figure);
    fill(figure);
  }, 250);
}

function address(figure) {
  const found = figure.dataset.chart + (figure.dataset.between ?? "");
  return figure.dataset.between && !found.includes("?") ? found.replace("&", "?") : found;
}

async function ask(where) {
  const answer = await fetch(where, { headers: { Accept: "application/json" } });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

async function show(figure, spec) {
  if (spec.error) throw new Error(spec.error);
  figure.told = spec;
  await renderChart(figure, spec);
}

const wrong = (figure) => (error) => { figure.querySelector(".count").textContent = error.message; };
const fill = (figure) => ask(address(figure)).then((spec) => show(figure, spec)).catch(wrong(figure));

// Charts that come into sight together are fetched together: as many as go into one address.
function fillAll(figures) {
  if (figures.length < 2) return figures.forEach(fill);
  const api = `${root}api/`;
  let together = [], words = "";
  const send = () => {
    const asked = together, where = `${api}charts?${words}`;
    if (asked.length) ask(where).then((specs) => asked.forEach((figure, n) => show(figure, specs[n]).catch(wrong(figure))), (error) => asked.forEach((figure) => wrong(figure)(error)));
    together = [], words = "";
  };
  for (const figure of figures) {
    const word = `of=${encodeURIComponent(address(figure).slice(api.length))}&`;
    if (words.length + word.length > 6000 || together.length === 40) send();
    together.push(figure);
    words += word;
  }
  send();
}

async function save(figure, format) {
  const Plotly = await plotly(), plot = figure.querySelector(".plot");
  const ground = { paper_bgcolor: colour("--card"), plot_bgcolor: colour("--card") };
  const name = (figure.told.title || "chart").replace(/[^\w.-]+/g, "_");
  const { width, height } = plot.getBoundingClientRect();
  await Plotly.downloadImage({ data: plot.data, layout: { ...plot.layout, ...ground } }, { format, filename: name, width: Math.round(width), height: Math.round(height), scale: format === "png" ? 2 : 1 });
}

export function charts() {
  const figures = [...document.querySelectorAll("figure.chart")];
  if (!figures.length) return;
  const sight = new IntersectionObserver((seen) => {
    const come = seen.filter((one) => one.isIntersecting).map((one) => one.target);
    come.forEach((figure) => sight.unobserve(figure));
    fillAll(come);
  }, { rootMargin: "300px" });
  for (const figure of figures) {
    const zoom = zooms().find((one) => one.name === named(figure));
    if (zoom) part(figure, zoom.low, zoom.high);
    sight.observe(figure);
  }
  const again = () => figures.filter((figure) => figure.told).forEach((figure) => renderChart(figure, figure.told));
  document.addEventListener("azml:changed", () => fillAll(figures.filter((figure) => figure.told)), DRAWN);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-save]"), figure = button?.closest("figure.chart");
    if (!figure?.told) return;
    event.preventDefault();
    save(figure, button.dataset.save);
  });
  controls(again);
}

function controls(again) {
  const look = wanted();
  const set = (key, value) => {
    const address = new URL(location.href);
    value ? address.searchParams.set(key, value) : address.searchParams.delete(key);
    history.replaceState(null, "", address);
    again();
  };
  // what only the script knows of goes along to where a form or a link of this page leads
  const along = (words) => { for (const key of ["smoothing", "logx", "logy"]) { const value = new URLSearchParams(location.search).get(key); value ? words.set(key, value) : words.delete(key); } };
  for (const form of document.querySelectorAll("form.axes, form.filter")) form.addEventListener("formdata", (event) => along(event.formData));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='?']");
    if (!link || link.getAttribute("href") === "?") return;
    const words = new URLSearchParams(link.search);
    along(words);
    for (const zoom of new URLSearchParams(location.search).getAll("zoom")) words.append("zoom", zoom);
    link.search = words;
  });
  const smoothing = document.getElementById("smoothing");
  if (!smoothing) return;
  smoothing.value = look.smoothing;
  smoothing.addEventListener("input", () => set("smoothing", Number(smoothing.value) ? smoothing.value : ""));
  for (const key of ["logx", "logy"]) {
    const box = document.getElementById(key);
    box.checked = look[key];
    box.addEventListener("change", () => set(key, box.checked ? "1" : ""));
  }
}
