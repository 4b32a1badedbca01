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
  document.querySelectorAll("[data-images]").forEach(over);
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
