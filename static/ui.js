// Parts that several pages are made of.

import { announce, fill, h } from "/static/h.js";
import { ago, countdown, exact } from "/static/time.js";

/** Whether somebody has one of these roles. */
export function may(me, ...roles) {
  return me.roles.some((role) => roles.includes(role));
}

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

/** Nothing, where something might be. */
export function none() {
  return h("span.quiet.none", "–");
}

/** A time, relative; exact on hover. `refreshTimes` keeps it true. */
export function time(value) {
  if (!value) return none();
  return h("time", { datetime: value, title: exact(value) }, ago(value));
}

/** A time to come. Once it has, it is any moment now. */
export function due(value) {
  if (!value) return none();
  return h("time", { datetime: value, title: exact(value), "data-due": true }, untilDue(value));
}

function untilDue(value) {
  return new Date(value).getTime() <= Date.now() ? "any moment" : ago(value);
}

export function refreshTimes(root) {
  for (const element of root.querySelectorAll("time")) {
    const text = "due" in element.dataset ? untilDue(element.dateTime) : ago(element.dateTime);
    if (element.textContent !== text) element.textContent = text;
  }
}

/** How long until a window closes; `tickClosing` makes it count. */
export function closing(value) {
  return h("b.closing", { "data-closes": value, title: exact(value) }, untilClosed(value));
}

function untilClosed(value) {
  return new Date(value).getTime() <= Date.now() ? "closing…" : countdown(value);
}

export function tickClosing(root) {
  for (const element of root.querySelectorAll("[data-closes]")) element.textContent = untilClosed(element.dataset.closes);
}

/**
 * A table that scrolls by itself where it is too wide, and on a phone is a list of cards. `rows` are
 * its rows, or the tbody that holds them. A head without text is one of actions.
 */
export function table(label, heads, rows) {
  const body = rows instanceof Element ? rows : h("tbody", rows.map((row) => labelled(heads, row)));
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": label }, h("table", { role: "table" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.map((text) =>
      h("th", { scope: "col", role: "columnheader" }, text || h("span.unseen", "Actions"))))),
    body));
}

/** A row whose cells know their heads, for where the heads are not beside them. */
export function labelled(heads, row) {
  row.setAttribute("role", "row");
  for (const [index, cell] of [...row.children].entries()) {
    cell.setAttribute("role", "cell");
    if (heads[index]) cell.dataset.label = heads[index];
  }
  return row;
}

/** Draws anew, and leaves the keyboard where it was: at what has the same name in the same row. */
export function keepingFocus(place, draw) {
  const nameOf = (element) => [element.closest("[data-key]")?.dataset.key, element.tagName, element.name,
    element.getAttribute("href"), element.getAttribute("aria-label") ?? element.textContent].join("|");
  const active = place.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  draw();
  if (active === null) return;
  const all = place.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]");
  [...all].find((element) => nameOf(element) === active)?.focus({ preventScroll: true });
}

/** A button that is busy while what it does is under way, and says what went wrong. */
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

/**
 * Asks. When they go on, `act` is called with the form's data; what goes wrong with it is said in the
 * dialog, which stays, so that nothing is written twice. Answers whether it was done.
 */
export function ask(title, content, goOn, { kind = "", act = async () => {} } = {}) {
  return new Promise((resolve) => {
    const wrong = h("div", { role: "alert" });
    const go = h("button", { class: `main ${kind}` }, goOn);
    const form = h("form", h("h2", title), content, wrong,
      h("p.buttons", h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), go));
    const dialog = h("dialog", { "aria-label": title }, form);
    let done = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (go.disabled) return;
      go.disabled = true;
      try {
        await act(new FormData(form));
        done = true;
        dialog.close();
      } catch (problem) {
        const faults = problem.errors?.length > 0 ? problem.errors : [{ pointer: "", message: problem.message }];
        fill(wrong, faults.map(({ pointer, message }) =>
          h("p.wrong", [pointer.slice(1).replaceAll("_", " "), message].filter(Boolean).join(": "))));
      }
      go.disabled = false;
    });
    showDialog(dialog, () => resolve(done));
  });
}

/** Shows something until it is closed. */
export function show(title, ...content) {
  const dialog = h("dialog", { "aria-label": title }, h("h2", title), content,
    h("p.buttons", h("button", { type: "button", class: "main", onclick: () => dialog.close() }, "Done")));
  showDialog(dialog);
}

function showDialog(dialog, closed = () => {}) {
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** Something there is nothing of, and what to do about it. */
export function empty(title, ...more) {
  return h("section.empty", h("h2", title), more);
}

/** What the page says while the server does not answer, or answers that it cannot. */
export function serverAway(place) {
  let timer = null;
  return (problem, seconds) => {
    clearInterval(timer);
    if (!problem && place.hasChildNodes()) announce("The server answers again");
    if (!problem || problem.status === 401) return fill(place);
    const refused = problem.status >= 400 && problem.status < 500 && problem.status !== 429;
    const why = problem.status === 0 ? "The server does not answer" : problem.message;
    if (refused) return fill(place, h("p.away", { role: "status" }, why));
    const left = h("span", seconds);
    if (!place.hasChildNodes()) announce(why);
    fill(place, h("p.away", `${why}; trying again in `, left, " s."));
    timer = setInterval(() => {
      left.textContent = Math.max(0, Number(left.textContent) - 1);
      if (!place.isConnected) clearInterval(timer);
    }, 1000);
    return null;
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
