// Images by step, and images of several runs over each other.
export function images() {
  const slide = (slider) => {
    const gallery = slider.closest(".gallery"), figures = [...gallery.querySelectorAll(".strip figure")];
    figures.forEach((figure, place) => { figure.hidden = place !== Number(slider.value); });
    gallery.querySelector("output").textContent = figures[slider.value]?.dataset.step;
  };
  const begin = () => document.querySelectorAll("input.steps").forEach(slide);
  document.addEventListener("input", (event) => event.target.matches("input.steps") && slide(event.target));
  document.addEventListener("azml:changed", begin);
  begin();
  document.querySelectorAll(".side").forEach(over);
  stepper();
}

// One step for all images of the page: each shows that of its nearest step at or before, and says which.
function stepper() {
  const bar = document.getElementById("steps");
  if (!bar) return;
  const slider = bar.querySelector("input[type=range]"), told = bar.querySelector("output"), play = bar.querySelector("button[aria-pressed]");
  let known = JSON.parse(bar.dataset.steps), timer;

  function strips(step) {
    for (const strip of document.querySelectorAll("[data-stepped]")) {
      const figures = [...strip.querySelectorAll("figure")];
      const at = Math.max(...figures.map((one) => Number(one.dataset.step)).filter((one) => one <= step));
      for (const one of figures) one.hidden = Number(one.dataset.step) !== at;
      strip.querySelector(".until").hidden = at !== -Infinity;
    }
  }
  function runs(step) {
    for (const figure of document.querySelectorAll("figure[data-images]")) {
      const all = figure.told ??= JSON.parse(figure.dataset.images);
      const place = all.findLastIndex(([at]) => at <= step), img = figure.querySelector("img");
      const address = (file) => figure.dataset.files + file.split("/").map(encodeURIComponent).join("/");
      img.hidden = place < 0;
      if (place >= 0) img.src = address(all[place][1]);
      if (place + 1 < all.length) new Image().src = address(all[place + 1][1]);
      figure.querySelector(".at").textContent = place < 0 ? `, none until step ${all[0][0]}` : `, step ${all[place][0]}`;
    }
  }
  function show() {
    told.textContent = known[slider.value];
    strips(known[slider.value]);
    runs(known[slider.value]);
  }
  function go(place) {
    slider.value = place;
    show();
    const address = new URL(location.href), last = Number(slider.value) === known.length - 1;
    last ? address.searchParams.delete("step") : address.searchParams.set("step", known[slider.value]);
    history.replaceState(null, "", address);
  }
  function stop() {
    clearInterval(timer);
    timer = undefined;
    play.setAttribute("aria-pressed", "false");
    play.textContent = "Play";
  }
  function start() {
    if (Number(slider.value) === known.length - 1) go(0);
    play.setAttribute("aria-pressed", "true");
    play.textContent = "Stop";
    timer = setInterval(() => { go(Number(slider.value) + 1); if (Number(slider.value) === known.length - 1) stop(); }, 500);
  }
  slider.addEventListener("input", () => { stop(); go(slider.value); });
  play.addEventListener("click", () => timer ? stop() : start());
  document.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    stop();
    go(Number(slider.value) + by);
  });
  document.addEventListener("azml:changed", () => { // a run that goes on: who looked at the newest goes on doing so
    const newest = Number(slider.value) === known.length - 1;
    known = [...new Set([...known, ...[...document.querySelectorAll("[data-stepped] figure")].map((one) => Number(one.dataset.step))])].sort((a, b) => a - b);
    slider.max = known.length - 1;
    if (newest) slider.value = known.length - 1;
    show();
  });
  const wish = bar.dataset.step === undefined ? Infinity : Number(bar.dataset.step);
  slider.value = Math.max(0, known.findLastIndex((one) => one <= wish));
  show();
}

function over(side) {
  const strip = side.querySelector(".strip"), figures = [...strip.querySelectorAll("figure")].filter((one) => one.querySelector("img"));
  let blinking;
  const clear = () => {
    clearInterval(blinking);
    strip.classList.remove("stacked", "difference");
    figures.forEach((figure) => { figure.style = ""; });
    side.querySelector("input.swipe")?.remove();
  };
  const modes = {
    side: () => {},
    difference: () => strip.classList.add("stacked", "difference"),
    blink: () => {
      strip.classList.add("stacked");
      let place = 0;
      const show = () => figures.forEach((figure, n) => { figure.style.visibility = n === place % figures.length ? "visible" : "hidden"; });
      show();
      blinking = setInterval(() => { place += 1; show(); }, 700);
    },
    swipe: () => {
      strip.classList.add("stacked");
      const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, value: 50, className: "swipe", ariaLabel: "Swipe" });
      const show = () => figures.slice(1).forEach((figure) => { figure.style.clipPath = `inset(0 0 0 ${slider.value}%)`; });
      slider.addEventListener("input", show);
      strip.before(slider);
      show();
    },
  };
  side.addEventListener("click", (event) => {
    const mode = event.target.closest("button[data-mode]")?.dataset.mode;
    if (mode) { clear(); modes[mode](); }
  });
}
