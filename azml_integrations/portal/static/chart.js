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
  return { smoothing: Number(words.get("smoothing") ?? 0), logx: words.has("logx"), logy: words.has("logy") };
}

const dates = (spec, values) => (spec.x.date ? values.map((at) => at === null ? null : new Date(at * 1000)) : values);

const TRACES = {
  lines(spec, look) {
    const traces = [];
    spec.series.forEach((one, place) => {
      const ink = COLOURS[place % COLOURS.length], x = dates(spec, one.x);
      const few = spec.markers || one.count < 30;
      const line = { color: ink, width: 1.6, dash: one.dash ? "dash" : "solid" };
      const base = { type: "scatter", x, name: one.name, legendgroup: one.name, mode: few && !one.dash ? "lines+markers" : "lines", marker: { size: 5 } };
      if (one.errors) base.error_y = { array: one.errors, color: ink };
      if (look.smoothing > 0 && !one.dash && one.y.length > 2) {
        traces.push({ ...base, y: one.y, mode: "lines", line: { ...line, width: 1 }, opacity: 0.3, showlegend: false, hoverinfo: "skip" });
        traces.push({ ...base, y: smoothed(one.y, look.smoothing), line });
      } else traces.push({ ...base, y: one.y, line });
      if (one.odd?.length) {
        const low = Math.min(...one.y.filter((y) => y !== null), Infinity);
        traces.push({ type: "scatter", mode: "markers", x: dates(spec, one.odd), y: one.odd.map(() => Number.isFinite(low) ? low : 0), name: "not a number", showlegend: false, marker: { symbol: "x", color: colour("--bad"), size: 7 }, hovertemplate: "NaN or infinite<extra></extra>" });
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
  const axis = (told, log) => ({ title: { text: plain(told?.title ?? ""), font: { size: 11 } }, gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, type: log ? "log" : undefined, exponentformat: "power" });
  const found = {
    margin: { l: 50, r: 12, t: 8, b: 36 }, font: { color: ink, size: 11, family: "system-ui, sans-serif" },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: spec.kind !== "parallel" && spec.series.length > 1,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 10 } }, hovermode: spec.kind === "lines" ? "x unified" : "closest",
    hoverlabel: { bgcolor: colour("--card"), font: { color: colour("--ink") } },
    xaxis: axis(spec.x, look.logx || spec.logx), yaxis: axis(spec.y, look.logy), uirevision: "stay",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: ink, activecolor: colour("--accent") },
  };
  if (spec.kind === "heat") found.yaxis.autorange = "reversed", found.xaxis.type = found.yaxis.type = "category";
  if (spec.kind === "parallel") {
    const ends = (place) => spec.axes.map((one, at) => ({ x: at, y: place, text: plain(one.ends[place]), showarrow: false, xanchor: "left", xshift: 6, font: { size: 10, color: colour("--ink") } }));
    Object.assign(found.xaxis, { tickvals: spec.axes.map((_, at) => at), ticktext: spec.axes.map((one) => plain(one.title)), side: "top", showgrid: false, zeroline: false, showline: false, range: [-0.2, spec.axes.length - 0.8], type: "linear" });
    Object.assign(found.yaxis, { visible: false, range: [-0.08, 1.08], type: "linear" });
    found.shapes = spec.axes.map((_, at) => ({ type: "line", x0: at, x1: at, y0: 0, y1: 1, layer: "below", line: { color: ink, width: 1 } }));
    found.annotations = [...ends(0), ...ends(1)];
    found.margin = { l: 20, r: 20, t: 30, b: 20 };
  }
  return found;
}

function spread(spec) {
  // a parameter that runs over decades is seen along a log axis
  const x = spec.kind === "points" ? spec.series[0].x : [];
  return x.length > 2 && x.every((one) => typeof one === "number" && one > 0) && Math.max(...x) / Math.min(...x) >= 100;
}

export async function renderChart(figure, spec) {
  const Plotly = await plotly(), look = wanted(), plot = figure.querySelector(".plot");
  spec.logx = spread(spec);
  const name = (spec.title || "chart").replace(/[^\w.-]+/g, "_");
  const svg = { name: "SVG", title: "Download as SVG", icon: Plotly.Icons.disk, click: (graph) => Plotly.downloadImage(graph, { format: "svg", filename: name }) };
  const settings = { responsive: true, displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"], modeBarButtonsToAdd: [svg], toImageButtonOptions: { filename: name, scale: 2 }, doubleClick: "reset+autosize" };
  await Plotly.react(plot, TRACES[spec.kind](spec, look), layout(spec, look), settings);
  if (!figure.dataset.heard) {
    figure.dataset.heard = "1";
    plot.on("plotly_click", (event) => { const link = event.points[0]?.customdata; if (typeof link === "string") location.href = root + link; });
    if (spec.kind === "lines") plot.on("plotly_relayout", (moved) => zoomed(figure, moved));
  }
  figure.dataset.drawn = spec.kind;
  const count = spec.count ?? Math.max(0, ...spec.series.map((one) => one.count ?? 0));
  const shown = spec.shown ?? Math.max(0, ...spec.series.map((one) => one.shown ?? 0));
  const words = spec.kind === "points" ? "runs" : spec.kind === "parallel" ? "runs" : "points";
  figure.querySelector(".count").textContent = count ? (shown < count ? `${shown.toLocaleString("en")} of ${count.toLocaleString("en")} ${words}` : `${count.toLocaleString("en")} ${words}`) : "";
  const caption = figure.querySelector("figcaption span");
  if (caption && spec.title) caption.textContent = spec.title;
}

let waiting;
function zoomed(figure, moved) {
  const low = moved["xaxis.range[0]"], high = moved["xaxis.range[1]"];
  if (low === undefined && !moved["xaxis.autorange"]) return;
  clearTimeout(waiting);
  const number = (end) => typeof end === "number" ? end : Date.parse(`${String(end).replace(" ", "T")}Z`) / 1000;
  waiting = setTimeout(() => {
    figure.dataset.between = low === undefined ? "" : `&min=${number(low)}&max=${number(high)}`;
    fill(figure);
  }, 250);
}

async function fill(figure) {
  const address = figure.dataset.chart + (figure.dataset.between ?? "");
  try {
    const answer = await fetch(figure.dataset.between && !address.includes("?") ? address.replace("&", "?") : address, { headers: { Accept: "application/json" } });
    const spec = await answer.json();
    if (!answer.ok) throw new Error(spec.error);
    figure.told = spec;
    await renderChart(figure, spec);
  } catch (error) {
    figure.querySelector(".count").textContent = error.message;
  }
}

export function charts() {
  const figures = [...document.querySelectorAll("figure.chart")];
  if (!figures.length) return;
  const sight = new IntersectionObserver((seen) => {
    for (const one of seen) if (one.isIntersecting) { sight.unobserve(one.target); fill(one.target); }
  }, { rootMargin: "300px" });
  figures.forEach((figure) => sight.observe(figure));
  const again = () => figures.filter((figure) => figure.told).forEach((figure) => renderChart(figure, figure.told));
  document.addEventListener("azml:changed", () => figures.filter((figure) => figure.told).forEach(fill), DRAWN);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
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
