// Parts that several pages are made of.

import { announce, fill, h } from "/static/h.js";
import { ago, exact } from "/static/time.js";

/** States, each with a sign, so that colour is never all there is. */
const SIGNS = {
  pending: ["◷", "waiting"],
  held: ["⏸", "held"],
  delivered: ["✓", "delivered"],
  failed: ["✕", "failed"],
  superseded: ["⤳", "superseded"],
  cancelled: ["⊘", "cancelled"],
  ok: ["✓", "ok"],
  failing: ["▲", "failing"],
  disabled: ["⏸", "disabled"],
};

export function state(name) {
  const [sign, word] = SIGNS[name] ?? ["·", name];
  return h("span", { class: `state ${name}` }, h("span", { "aria-hidden": "true" }, sign), ` ${word}`);
}

/** A time, relative; exact on hover. `refreshTimes` keeps it true. */
export function time(value) {
  if (!value) return h("span", { class: "quiet" }, "–");
  return h("time", { datetime: value, title: exact(value) }, ago(value));
}

export function refreshTimes(root) {
  for (const element of root.querySelectorAll("time")) {
    const text = ago(element.dateTime);
    if (element.textContent !== text) element.textContent = text;
  }
}

/** A button that is busy while what it does is under way, and says what went wrong beside itself. */
export function button(label, act, properties = {}) {
  const element = h("button", { type: "button", ...properties }, label);
  element.addEventListener("click", async () => {
    if (element.getAttribute("aria-disabled") === "true") return;
    element.setAttribute("aria-disabled", "true");
    try {
      await act();
    } catch (problem) {
      tell(problem.message, "bad");
    } finally {
      element.removeAttribute("aria-disabled");
    }
  });
  return element;
}

export function copyButton(text, label = "Copy") {
  const element = button(label, async () => {
    await navigator.clipboard.writeText(text);
    element.textContent = "Copied";
    announce("Copied");
    setTimeout(() => { element.textContent = label; }, 2000);
  }, { class: "small" });
  return element;
}

/** A line at the bottom that goes away by itself. */
export function tell(text, kind = "good") {
  document.querySelector(".told")?.remove();
  const told = h("p", { class: `told ${kind}`, role: "alert" }, text);
  document.body.append(told);
  setTimeout(() => told.remove(), 8000);
}

/** Asks; the form's data when they go on, null when not. */
export function ask(title, content, goOn, kind = "") {
  return new Promise((resolve) => {
    const form = h("form", { method: "dialog" },
      h("h2", null, title), content,
      h("p", { class: "buttons" },
        h("button", { value: "no" }, "Cancel"),
        h("button", { value: "yes", class: `main ${kind}` }, goOn)));
    const dialog = h("dialog", { "aria-label": title }, form);
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" ? new FormData(form) : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Something there is nothing of, and what to do about it. */
export function empty(title, ...more) {
  return h("section", { class: "empty" }, h("h2", null, title), more);
}

/** What the page says while the server does not answer. */
export function serverAway(place) {
  return (problem, seconds) => {
    if (!problem) return fill(place);
    if (problem.status === 401) return fill(place);
    const why = problem.status === 0 ? "The server does not answer" : problem.message;
    return fill(place, h("p", { class: "away", role: "status" }, `${why}; trying again in ${seconds} s.`));
  };
}

/** Text of HTML: without its tags, and with its entities read. Nothing of it ever becomes an element. */
export function textOfHtml(html) {
  const bare = html
    .replace(/<(script|style)\b[\s\S]*?<\/\1\s*>/gi, "")
    .replace(/<\/?(p|div|li|br|tr|h[1-6])\b[^>]*>/gi, "\n")
    .replace(/<[^>]*>/g, "")
    .replaceAll("<", "&lt;");
  const { body } = new DOMParser().parseFromString(bare, "text/html");
  return body.textContent.replace(/\n{3,}/g, "\n\n").trim();
}
