// One attempt: what was sent, what came back, and how long it took.

import { h } from "/static/h.js";
import { copyButton } from "/static/ui.js";

export function isGood(attempt) {
  return Boolean(attempt.response) && attempt.response.code >= 200 && attempt.response.code < 300 && !attempt.reason;
}

/** What came of it, in words. */
export function said(attempt) {
  return isGood(attempt) ? `answered ${attempt.response.code}` : attempt.error ?? attempt.reason ?? "failed";
}

export function requestPanel(attempt, body) {
  return [part("Headers", headerText(attempt.request_headers)), body === null ? null : part("Body", body, pretty(body))];
}

export function responsePanel(attempt) {
  if (!attempt.response) return [h("p", "No answer came: ", attempt.error), timing(attempt)];
  const { code, headers, body, body_cut: cut } = attempt.response;
  return [
    h("p", h("b", `Answered ${code}`), attempt.reason ? `: ${attempt.reason}` : "", attempt.note ? h("span.below", attempt.note) : null),
    timing(attempt), part("Headers", headerText(headers)),
    body === "" ? h("p.quiet", "The body is empty.") : part("Body", body, pretty(body)),
    cut ? h("p.quiet", "Only the beginning of the body is kept.") : null,
  ];
}

/** Text to be read, and to be copied as it is. */
export function part(title, text, shown = text) {
  return h("section.part", { "aria-label": title },
    h("p.part-head", h("span.quiet", title), copyButton(text, `Copy ${title.toLowerCase()}`)),
    h("pre", { tabindex: "0" }, shown));
}

function timing({ timing: times }) {
  const parts = [["resolve", "resolve_ms"], ["connect", "connect_ms"], ["TLS", "tls_ms"], ["wait", "wait_ms"], ["in all", "total_ms"]];
  const known = parts.filter(([, key]) => times[key] !== null && times[key] !== undefined);
  return h("p.quiet", known.map(([name, key]) => `${name} ${times[key]} ms`).join(" · "));
}

function headerText(list) {
  return list.map(([name, value]) => `${name}: ${value}`).join("\n");
}

export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
