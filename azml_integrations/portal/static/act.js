// The few things that a page may do; each is JSON with a header that no other origin can send.
import { renew } from "./live.js";

async function act(address, body) {
  const answer = await fetch(address, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-Azml": "1" } });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({ error: answer.statusText }));
    const note = document.createElement("p");
    note.className = "told";
    note.role = "alert";
    note.textContent = told.error;
    document.body.append(note);
    setTimeout(() => note.remove(), 6000);
    return false;
  }
  return true;
}

export function acts() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-act]");
    if (!button || (button.dataset.ask && !confirm(button.dataset.ask))) return;
    event.preventDefault();
    const body = JSON.parse(button.dataset.body);
    if (button.dataset.prompt) {
      body.to = prompt(button.dataset.prompt, body.name);
      if (!body.to) return;
    }
    if (await act(button.dataset.act, body)) body.action.endsWith("chive") || body.action === "reactivate" ? location.reload() : await renew();
  });
  for (const form of document.querySelectorAll("form[data-act]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      for (const field of form.querySelectorAll("[data-here]")) field.value = location.search;
      const body = { action: form.dataset.action, ...Object.fromEntries(new FormData(form)) };
      if (await act(form.dataset.act, body)) {
        await renew();
        if (["tag", "save"].includes(form.dataset.action)) form.reset();
      }
    });
  }
}
