// Everything here makes a page better that can be read without it.
import { charts } from "./chart.js";
import { live } from "./live.js";
import { acts } from "./act.js";
import { bulk } from "./bulk.js";
import { keys } from "./keys.js";
import { images } from "./images.js";
import { log } from "./log.js";
import { panels } from "./panels.js";

document.documentElement.classList.add("scripted");
for (const begin of [charts, acts, bulk, keys, images, log, panels, live]) begin();
for (const form of document.querySelectorAll("form.axes")) {
  form.addEventListener("change", (event) => event.target.name && form.requestSubmit());
}
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
