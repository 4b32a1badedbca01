// Sections of plugins: the page is there first, and each of them is fetched from its own page afterwards.
export function panels() {
  const fetched = async (section) => {
    if (section.dataset.busy) return;
    section.dataset.busy = "1";
    try {
      const answer = await fetch(section.dataset.panel, { signal: AbortSignal.timeout(10000) });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html"), fresh = page.getElementById("panel");
      if (!fresh || fresh.innerHTML === section.dataset.was) return;
      section.dataset.was = fresh.innerHTML;
      section.querySelector(".panel").replaceChildren(...document.adoptNode(fresh).childNodes);
    } catch { /* the link to its page stays */ } finally { delete section.dataset.busy; }
  };
  const all = () => document.querySelectorAll("section[data-panel]").forEach(fetched);
  document.addEventListener("azml:changed", all);
  all();
}
