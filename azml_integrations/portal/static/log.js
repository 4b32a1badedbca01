// The end of a log, as it grows.
const MOST = 2_000_000; // characters that a page keeps

export function log() {
  const box = document.getElementById("log");
  if (!box) return;
  const follow = document.getElementById("follow"), wrap = document.getElementById("wrap");
  const end = () => { if (follow.checked) box.scrollTop = box.scrollHeight; };
  const wrapped = () => box.classList.toggle("wrapped", wrap.checked);
  wrap.addEventListener("change", wrapped);
  follow.addEventListener("change", end);
  wrapped();
  end();
  let from = Number(box.dataset.from), quiet = 0, timer;
  if (box.dataset.growing !== "1") return;
  async function read() {
    clearTimeout(timer);
    try {
      const answer = await fetch(`${box.dataset.log}&from=${from}`, { signal: AbortSignal.timeout(10000) });
      const { text, following, size, ended } = await answer.json();
      if (text) box.textContent = (box.textContent + text).slice(-MOST);
      quiet = text ? 0 : quiet + 1;
      from = following;
      end();
      if (ended && following >= size) return;
    } catch { quiet += 3; }
    if (!document.hidden) timer = setTimeout(read, quiet < 5 ? 2000 : 10000);
  }
  document.addEventListener("visibilitychange", () => !document.hidden && read());
  timer = setTimeout(read, 2000);
}
