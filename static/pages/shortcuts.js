// The keys of the list of messages.

import { h } from "/static/h.js";
import { show } from "/static/ui.js";

const KEYS = [
  ["j", "the next message"], ["k", "the one before"], ["Enter", "open it"], ["r", "redeliver it"],
  ["/", "filter"], ["Esc", "let go"], ["?", "these keys"],
];

export function showShortcuts() {
  show("Keys", h("dl.facts", KEYS.map(([key, does]) => [h("dt", h("kbd", key)), h("dd", does)])));
}

/** `redeliver` is called with the id of a message; null for whoever may not. */
export function shortcuts(rows, redeliver) {
  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("dialog")) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const links = [...rows.querySelectorAll("a.open")];
    const at = links.indexOf(rows.querySelector("tr:focus-within a.open"));
    if (event.key === "j") links[Math.min(at + 1, links.length - 1)]?.focus();
    else if (event.key === "k") links[Math.max(at - 1, 0)]?.focus();
    else if (event.key === "r" && at >= 0) redeliver?.(links[at].pathname.split("/").pop());
    else if (event.key === "/") document.querySelector(".filters select")?.focus();
    else if (event.key === "Escape") document.activeElement?.blur();
    else if (event.key === "?") showShortcuts();
    else return;
    event.preventDefault();
  }
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}
