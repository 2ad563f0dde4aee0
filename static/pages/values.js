// How what was changed is shown: as text, whatever it is.

import { h } from "/static/h.js";
import { none, table, textOfHtml } from "/static/ui.js";
import { diff } from "/static/pages/diff.js";

/** The most characters of a value that are shown at once. */
const SHOWN_MAX = 20_000;
/** Longer texts of which only a part is another are shown once, with that part marked. */
const LONG = 160;
const ARROW = /\s*(?:&rarr;|→)\s*/;

/** The audit in a body; null when its format has none. */
export function auditOf(body) {
  try {
    return JSON.parse(body).audit ?? null;
  } catch {
    return null;
  }
}

/** Field, from, to. Values that are HTML are shown as the text they stand for. */
export function changes(audit) {
  if (!audit) return h("p.quiet", "Its format does not tell changes one by one; see Raw.");
  if (audit.changes.length === 0) return h("p.quiet", "No field was changed.");
  return table("Changes", ["Field", "From", "To"], audit.changes.map(({ field_name: field, value, old_value: old }) => {
    if (isLongText(value, old)) {
      return h("tr", h("th", { scope: "row" }, h("bdi", field)), h("td.value", { colspan: "2" }, diff(plain(old), plain(value))));
    }
    const [from, to] = fromAndTo(value, old);
    return h("tr", h("th", { scope: "row" }, h("bdi", field)), h("td.value", { dir: "auto" }, from), h("td.value", { dir: "auto" }, to));
  }));
}

/** One value on one line, cut where it is long. */
export function short(value, most = 160) {
  if (value === null || value === undefined) return "nothing";
  const text = typeof value === "string" ? plain(value.slice(0, 4000)) : JSON.stringify(value);
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

function isLongText(value, old) {
  return typeof value === "string" && typeof old === "string" && value.length + old.length > LONG
    && value.length + old.length < SHOWN_MAX;
}

function plain(text) {
  return /[<&]/.test(text) ? textOfHtml(text) : text;
}

function fromAndTo(value, old) {
  if (old === undefined && typeof value === "string" && ARROW.test(value)) {
    const [from, ...rest] = value.split(ARROW);
    return [readable(from), readable(rest.join(" → "))];
  }
  return [old === undefined ? none() : readable(old), readable(value)];
}

function readable(value) {
  if (value === null || value === "") return h("span.quiet", "nothing");
  const text = plain(typeof value === "string" ? value : JSON.stringify(value));
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}… (the rest stands under Raw)` : text;
}
