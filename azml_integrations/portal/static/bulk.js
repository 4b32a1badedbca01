// Choosing rows, and one action for all that were chosen; the address says which.
const boxes = (form) => [...form.querySelectorAll("tbody input[type=checkbox]")];

function told(form) {
  const all = boxes(form), every = form.querySelector("[data-every]"), line = form.querySelector("#chosen");
  const n = all.filter((box) => box.checked).length;
  if (every) { every.checked = n > 0 && n === all.length; every.indeterminate = n > 0 && n < all.length; }
  const whole = form.querySelector("input[name=all]:checked, input[name=older]:checked");
  if (line) line.textContent = whole ? `${whole.parentElement.textContent.trim()} are chosen` : n ? `${n} chosen` : "";
}

function choosing() {
  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest("tbody input[type=checkbox]"), form = event.target.closest("form");
    if (!form) return;
    const all = boxes(form);
    if (event.target.matches("[data-every]")) for (const one of all) one.checked = event.target.checked;
    if (box && event.shiftKey && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const one of all.slice(from, to + 1)) one.checked = box.checked;
    }
    if (box) last = box;
    if (event.target.type === "checkbox") told(form);
  });
  document.addEventListener("azml:changed", () => document.querySelectorAll("form:has(#chosen)").forEach(told));
}

function line(parent, text, tag = "p") {
  const one = document.createElement(tag);
  one.textContent = text;
  parent.append(one);
  return one;
}

const DONE = { tag: "tagged", untag: "untagged", archive: "archived", reactivate: "taken out of the archive", cancel: "canceled",
  delete: "moved to the trash", restore: "restored", purge: "deleted for good" };

const GONE = ["delete", "restore", "purge"]; // what the table shows is not there any more

function show(result) {
  const place = document.getElementById("bulk-result");
  place.replaceChildren();
  const freed = result.freed ? `, ${result.freed.toLocaleString("en")} bytes freed` : "";
  line(place, `${result.done} ${result.done === 1 ? "run" : "runs"} ${DONE[result.action]}, ${result.refused.length} refused${freed}.`);
  if (!result.refused.length) return;
  const list = line(place, "", "ul");
  list.className = "notes";
  for (const one of result.refused.slice(0, 100)) line(list, `${one.run}: ${one.why}`, "li").className = "problem";
  if (result.refused.length > 100) line(place, `and ${result.refused.length - 100} more`);
}

async function send(form) {
  const body = { ...JSON.parse(form.dataset.body), ...Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, value.trim()])) };
  const buttons = form.querySelectorAll("button");
  for (const one of buttons) one.disabled = true;
  try {
    const answer = await fetch(form.dataset.bulk, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-Azml": "1" } });
    const result = await answer.json();
    if (!answer.ok) fail(result.error);
    else {
      show(result);
      form.querySelectorAll("label, button").forEach((one) => one.remove());
      if (GONE.includes(result.action)) document.querySelector("main .scroll").remove();
    }
  } catch (error) { fail(String(error)); }
  for (const one of buttons) one.disabled = false;
}

function fail(why) {
  const place = document.getElementById("bulk-result");
  place.replaceChildren();
  line(place, why).className = "problem";
}

export function bulk() {
  choosing();
  for (const form of document.querySelectorAll("form[data-bulk]")) {
    form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
  }
}
