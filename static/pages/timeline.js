// The way of a message: every edit in it, the end of its window, every attempt, and what is to come.

import { fill, h } from "/static/h.js";
import { isGood, said } from "/static/pages/attempt.js";
import { short } from "/static/pages/values.js";
import { due, time } from "/static/ui.js";

/** More edits than this are folded, but for the first and the last ones. */
const SHOWN_MAX = 8;
const [FIRST, LAST] = [4, 3];
const DONE = { create: "created it", update: "changed it", destroy: "deleted it" };

/** `audits` is a page of the edits; null while they are on their way. `choose` is told an attempt's number. */
export function timeline(message, audits, choose) {
  const list = h("ol.timeline");
  const draw = (whole) => fill(list, edits(message, audits, whole, () => draw(true)), ending(message),
    message.attempts_made.map((attempt) => attemptEntry(attempt, choose)), toCome(message));
  draw(false);
  return list;
}

function entry(kind, at, text, more = null) {
  return h("li", { class: kind }, text, at ? h("span.when", at) : null, more);
}

function edits(message, audits, whole, unfold) {
  if (message.kind !== "activity") return [];
  if (!audits) return entry("", "", h("span.quiet", "The edits are being fetched…"));
  const { items, next } = audits;
  const left = message.audits - items.length;
  const gone = left > 0 ? entry("", "", h("span.quiet", next
    ? `${left} more edits are in the record's history`
    : `${left} ${left === 1 ? "edit is" : "edits are"} no longer kept`)) : null;
  if (whole || items.length <= SHOWN_MAX) return [items.map(edit), gone];
  const hidden = items.length - FIRST - LAST;
  return [items.slice(0, FIRST).map(edit),
    entry("", "", h("button", { type: "button", class: "small", onclick: unfold }, `Show ${hidden} more edits`)),
    items.slice(-LAST).map(edit), gone];
}

function edit(audit) {
  const who = audit.user ? audit.user.name ?? audit.user.id : "The system";
  const fields = audit.changes.map((change) => h("span.below",
    h("bdi", change.field_name), ": ", h("bdi", short(change.value))));
  const did = audit.changes.length === 0 && audit.audit_action === "update" ? "changed nothing that is named" : DONE[audit.audit_action];
  return entry("", time(audit.received_at), [h("b", h("bdi", who)), ` ${did}`], fields);
}

/** Why a window closed, in words. */
export function because(window) {
  if (window.closed_by === "quiet") return `left alone for ${window.quiet_period}`;
  if (window.closed_by === "max_wait") return "it lasted as long as it may";
  if (window.closed_by === "send_now") return `sent now by ${window.by}`;
  return `discarded by ${window.by}${window.reason ? `: ${window.reason}` : ""}`;
}

function ending({ kind, window, created_at: at, audits: count }) {
  if (kind === "record") return entry("", time(at), "The record as it was then");
  if (kind === "security") return entry("", time(at), count === 1 ? "It happened" : `${count} events had waited for each other`);
  if (!window) return entry("", time(at), "Sent at once, alone");
  const again = new Date(at) - new Date(window.closed_at) > 1000;
  return [entry("", time(window.closed_at), `Window closed: ${because(window)}`),
    again ? entry("", time(at), "Addressed again, by hand") : null];
}

function attemptEntry(attempt, choose) {
  const by = attempt.asked_by ? `, asked for by ${attempt.asked_by}` : "";
  return entry(isGood(attempt) ? "good" : "bad", time(attempt.at),
    [h("button", { type: "button", class: "small", onclick: () => choose(attempt.number) }, `Attempt ${attempt.number}`),
      ` ${said(attempt)} (${attempt.timing.total_ms}\u00a0ms${by})`],
    attempt.note ? h("span.below", attempt.note) : null);
}

const ENDS = {
  delivered: "Delivered", failed: "Failed: no attempts are left", cancelled: "Cancelled",
  superseded: "Taken in by a newer message about the record",
};

function toCome(message) {
  if (message.next_attempt_at) return entry("next", due(message.next_attempt_at), "Next attempt");
  if (message.status === "held") return entry("next", "", "Held until its integration is enabled");
  if (!message.settled_at) return entry("next", "", "An attempt is under way");
  const by = message.settled_by ? ` by ${message.settled_by}` : "";
  const kind = { delivered: "good", failed: "bad" }[message.status] ?? "";
  return entry(kind, time(message.settled_at), h("b", `${ENDS[message.status]}${by}`));
}
