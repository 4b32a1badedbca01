// / j k x X a d c Enter ? : the table of runs without a mouse.
export function keys() {
  const rows = () => [...document.querySelectorAll("table.runs tbody tr[data-run]")];
  const at = () => rows().findIndex((row) => row.classList.contains("at"));
  const go = (place) => {
    const all = rows(), row = all[Math.max(0, Math.min(all.length - 1, place))];
    all.forEach((one) => one.classList.toggle("at", one === row));
    row?.scrollIntoView({ block: "nearest" });
    row?.querySelector("th a")?.focus({ preventScroll: true });
  };
  const box = () => rows()[at()]?.querySelector("input[type=checkbox]");
  const acts = {
    "/": () => (document.getElementById("q") ?? document.getElementById("search")).focus(),
    j: () => go(at() + 1),
    k: () => go(at() - 1),
    x: () => box()?.click(),
    X: () => box()?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: true })),
    a: () => document.querySelector("[data-every]")?.click(),
    d: () => document.querySelector("button[name=action][value=delete]")?.click(),
    c: () => document.getElementById("compare")?.click(),
    "?": () => document.getElementById("keys").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), textarea, select")) return;
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
}
