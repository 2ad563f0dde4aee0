// One message: its way from the first edit to its delivery, and every attempt as it was.

import { api, recordPath } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { poll } from "/static/poll.js";
import { button, copyButton, empty, serverAway, state, tell, textOfHtml, time } from "/static/ui.js";
import { diff } from "/static/pages/diff.js";
import { safeLink } from "/static/pages/messages.js";

const TABS = ["Changes", "Request", "Response", "Raw"];

export function messagePage(main, { me, parameters: [id] }) {
  const mayChange = me.roles.some((role) => role === "admin" || role === "owner");
  const [away, place] = [h("div"), h("div")];
  let drawn = "";
  let tab = TABS[0];
  let chosen = null;
  fill(main, away, place);

  async function load(signal) {
    let message;
    try {
      message = await api.get(`/messages/${encodeURIComponent(id)}`, { signal });
    } catch (problem) {
      if (problem.status !== 404 && problem.status !== 403) throw problem;
      fill(place, h("h1", { class: "unseen" }, "Message"), empty("There is no such message", h("p", null, problem.message)));
      return;
    }
    const now = JSON.stringify(message);
    if (now === drawn) return;
    drawn = now;
    draw(message);
  }

  function draw(message) {
    const audit = auditOf(message.body);
    const attempts = message.attempts_made;
    const attempt = attempts.find((found) => found.number === chosen) ?? attempts.at(-1) ?? null;
    fill(place,
      h("div", { class: "head" },
        h("h1", null, message.description ?? `${message.record.type} ${message.record.id}`),
        state(message.status),
        mayChange ? actions(message, () => load()) : null),
      facts(message),
      h("h2", null, "What happened"), timeline(message, audit, (number) => {
        chosen = number;
        tab = "Response";
        draw(message);
      }),
      tabs(message, audit, attempt));
  }

  function tabs(message, audit, attempt) {
    const panel = h("div", { role: "tabpanel", id: "panel", tabindex: "0", "aria-label": tab }, panelOf(tab, message, audit, attempt));
    const list = h("div", { class: "tabs", role: "tablist", "aria-label": "The message" }, TABS.map((name) =>
      h("button", {
        type: "button", role: "tab", "aria-selected": String(name === tab), "aria-controls": "panel",
        tabindex: name === tab ? "0" : "-1",
        onclick: () => { tab = name; draw(message); place.querySelector("[aria-selected=true]").focus(); },
      }, name)));
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      tab = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
      draw(message);
      place.querySelector("[aria-selected=true]").focus();
    });
    return [list, panel];
  }

  return { title: "Message", leave: poll(load, 4, serverAway(away)) };
}

function actions(message, again) {
  const owed = message.status === "pending" || message.status === "held";
  const gone = message.integration.name === null;
  return h("p", { class: "buttons" },
    button(owed ? "Try now" : "Redeliver", async () => {
      await api.post(`/messages/${message.id}/redeliver`);
      tell("Queued: another attempt will be made.");
      await again();
    }, { class: "main", disabled: gone, title: gone ? "Its integration was deleted" : null }),
    owed ? button("Cancel", async () => {
      await api.post(`/messages/${message.id}/cancel`);
      tell("Cancelled: no more attempts will be made.");
      await again();
    }) : null);
}

function facts(message) {
  const fact = (name, ...value) => [h("dt", null, name), h("dd", null, value)];
  return h("div", { class: "card" }, h("dl", { class: "facts" },
    fact("Record", h("a", { href: `/records/${recordPath(message.record)}` },
      `${message.record.type} ${message.record.id}`), safeLink(message.auditable_url)),
    fact("Integration", message.integration.name
      ? h("a", { href: `/integrations/${message.integration.id}` }, message.integration.name) : "deleted"),
    fact("By", message.contributors.join(", ") || "the system"),
    fact("Made", time(message.created_at), `, of ${message.audits === 1 ? "one audit" : `${message.audits} audits`}`),
    message.next_attempt_at ? fact("Next attempt", time(message.next_attempt_at)) : null,
    message.settled_by ? fact("Given up by", message.settled_by) : null,
    fact("webhook-id", h("span", { class: "mono" }, message.id), " ", copyButton(message.id)),
    fact("Why", h("a", { href: `/records/${recordPath(message.record)}?integration=${message.integration.id}` },
      "Why was this sent?"))));
}

function timeline(message, audit, choose) {
  const collated = audit?.collated;
  const entry = (kind, at, ...text) => h("li", { class: kind }, text, h("span", { class: "below" }, time(at)));
  return h("ol", { class: "timeline" },
    collated ? entry("", collated.first_at, "First edit") : null,
    collated && collated.count > 1 ? entry("", collated.last_at, `Last of ${collated.count} edits`) : null,
    entry("", message.created_at, "Addressed to the integration"),
    message.attempts_made.map((attempt) => {
      const good = attempt.response && attempt.response.code >= 200 && attempt.response.code < 300;
      const said = good ? `answered ${attempt.response.code}` : attempt.error ?? attempt.reason ?? "failed";
      const by = attempt.asked_by ? `, asked for by ${attempt.asked_by}` : "";
      return entry(good ? "good" : "bad", attempt.at,
        h("button", { type: "button", class: "small", onclick: () => choose(attempt.number) }, `Attempt ${attempt.number}`),
        ` ${said} (${attempt.timing.total_ms} ms${by})`, attempt.note ? h("span", { class: "below" }, attempt.note) : null);
    }),
    message.next_attempt_at ? entry("next", message.next_attempt_at, "Next attempt") : null,
    message.settled_at ? entry(message.status === "delivered" ? "good" : "bad", message.settled_at, state(message.status)) : null);
}

function panelOf(tab, message, audit, attempt) {
  if (tab === "Changes") return changes(audit);
  if (tab === "Raw") return [copyButton(message.body), h("pre", { tabindex: "0" }, pretty(message.body))];
  if (!attempt) return h("p", { class: "quiet" }, "No attempt was made yet.");
  if (tab === "Request") {
    return [h("p", { class: "quiet" }, `Attempt ${attempt.number}`), headers(attempt.request_headers),
      copyButton(message.body), h("pre", { tabindex: "0" }, pretty(message.body))];
  }
  if (!attempt.response) return h("p", null, `No answer came: ${attempt.error}`);
  const { code, body, body_cut: cut } = attempt.response;
  return [h("p", null, `Attempt ${attempt.number}: answered ${code}`), headers(attempt.response.headers),
    body === "" ? h("p", { class: "quiet" }, "The body is empty.") : h("pre", { tabindex: "0" }, body),
    cut ? h("p", { class: "quiet" }, "Only the beginning of the body is kept.") : null];
}

function headers(list) {
  return h("pre", { tabindex: "0" }, list.map(([name, value]) => `${name}: ${value}`).join("\n"));
}

/** Field, from, to. Values that are HTML are shown as the text they stand for. */
function changes(audit) {
  if (!audit) return h("p", { class: "quiet" }, "Its format does not tell changes one by one; see Raw.");
  if (audit.changes.length === 0) return h("p", { class: "quiet" }, "No field was changed.");
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Changes" }, h("table", null,
    h("thead", null, h("tr", null, ["Field", "From", "To"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", null, audit.changes.map(({ field_name: field, value, old_value: old }) => {
      if (isLongText(value, old)) {
        return h("tr", null, h("td", null, field), h("td", { class: "main", colspan: "2" }, diff(plain(old), plain(value))));
      }
      const [from, to] = fromAndTo(value, old);
      return h("tr", null, h("td", null, field), h("td", { class: "main" }, from), h("td", { class: "main" }, to));
    }))));
}

/** Text of which only a part is another is shown once, with that part marked. */
function isLongText(value, old) {
  return typeof value === "string" && typeof old === "string" && value.length + old.length > 160
    && value.length + old.length < 20_000;
}

function plain(text) {
  return /[<&]/.test(text) ? textOfHtml(text) : text;
}

const ARROW = /\s*(?:&rarr;|→)\s*/;

function fromAndTo(value, old) {
  if (old === undefined && typeof value === "string" && ARROW.test(value)) {
    const [from, ...rest] = value.split(ARROW);
    return [readable(from), readable(rest.join(" → "))];
  }
  return [old === undefined ? h("span", { class: "quiet" }, "–") : readable(old), readable(value)];
}

function readable(value) {
  if (value === null) return h("span", { class: "quiet" }, "nothing");
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const shown = /[<&]/.test(text) ? textOfHtml(text) : text;
  return shown.length > 20_000 ? `${shown.slice(0, 20_000)}… (the rest stands under Raw)` : shown;
}

function auditOf(body) {
  try {
    return JSON.parse(body).audit ?? null;
  } catch {
    return null;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
