// Follows what changes: asks for a cursor while the page is seen, and fetches the page again only when it has moved.
const FIRST = 2000, MOST = 30000, CALM = 5;

export function live() {
  const { poll } = document.body.dataset;
  if (!poll) return;
  let seen = document.body.dataset.revision, quiet = 0, timer;
  const pause = () => Math.min(MOST, FIRST * (quiet < CALM ? 1 : quiet < 3 * CALM ? 5 : 15));
  const again = () => { clearTimeout(timer); if (!document.hidden) timer = setTimeout(look, pause()); };

  async function look() {
    try {
      const answer = await fetch(poll, { signal: AbortSignal.timeout(10000) });
      if (answer.status === 404) return location.reload(); // the run was deleted: its page says where it is
      if (!answer.ok) throw new Error(answer.statusText);
      const { revision, ended } = await answer.json();
      quiet = revision === seen ? quiet + 1 : 0;
      if (revision !== seen) { await renew(); seen = revision; }
      if (ended) return;
    } catch { quiet += CALM; }
    again();
  }
  document.addEventListener("visibilitychange", () => { quiet = 0; document.hidden ? clearTimeout(timer) : look(); });
  again();
}

export async function renew() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const writing = document.activeElement?.matches("input:not([type=checkbox]), textarea");
  const drawn = (where) => [...where.querySelectorAll("figure.chart")].map((one) => one.getAttribute("data-chart")).join();
  if (!writing && drawn(page) !== drawn(document)) return location.reload(); // a metric, or the first child, has come
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || fresh.innerHTML === part.dataset.was) continue;
    part.dataset.was = fresh.innerHTML;
    const chosen = new Set([...part.querySelectorAll("input[name=runs]:checked")].map((box) => box.value));
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    for (const box of part.querySelectorAll("input[name=runs]")) box.checked = chosen.has(box.value);
  }
  document.dispatchEvent(new Event("azml:changed"));
}
