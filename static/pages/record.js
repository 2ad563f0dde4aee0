// One record: all that was done to it, what was sent of it, and why (not).

import { api, query, recordPath } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { everySecond, poll } from "/static/poll.js";
import * as router from "/static/router.js";
import { countdown } from "/static/time.js";
import { button, empty, serverAway, state, textOfHtml, time } from "/static/ui.js";
import { recordLinks } from "/static/pages/links.js";
import { preview, windowActions } from "/static/pages/windows.js";

export function recordPage(main, { me, parameters: [type, id], search }) {
  const record = { type, id };
  const mayChange = me.roles.some((role) => role === "admin" || role === "owner");
  const place = { away: h("div"), open: h("div"), why: h("div"), messages: h("div"), history: h("div") };
  const links = recordLinks(record, mayChange);
  const drawn = {};
  fill(main,
    h("div", { class: "head" }, h("h1", null, `${type} ${id}`)),
    place.away, place.open, links.element,
    h("h2", null, "Why was it (not) sent?"), chooser(search.get("integration") ?? ""), place.why,
    h("h2", null, "Messages"), place.messages,
    h("h2", null, "History"), place.history);

  function once(name, value, draw) {
    const now = JSON.stringify(value);
    if (drawn[name] === now || place[name].contains(document.activeElement)) return;
    drawn[name] = now;
    fill(place[name], draw(value));
  }

  async function load(signal) {
    const named = `${encodeURIComponent(type)}/${encodeURIComponent(id)}`;
    const [open, messages, history] = await Promise.all([
      api.get(`/records/${recordPath(record)}?stored=false`, { signal }).catch((problem) => {
        if (problem.status === 404 || problem.status === 403) return { items: [] };
        throw problem;
      }),
      api.get(`/messages?record=${named}&limit=50`, { signal }),
      api.get(`/audits?record=${named}&limit=200`, { signal }),
    ]);
    once("open", open.items, (items) => items.map((item) => windowCard(item, mayChange, () => load())));
    once("messages", messages.items, messageList);
    once("history", history, historyList);
    await links.load(signal);
  }

  function chooser(chosen) {
    const select = h("select", { "aria-label": "Integration", onchange: () => {
      router.replaceQuery(query({ integration: select.value }));
      why(select.value);
    } }, h("option", { value: "" }, "Choose an integration"));
    api.get("/integrations?limit=1000").then((page) => {
      select.append(...page.items.map((found) =>
        h("option", { value: found.id, selected: found.id === chosen }, found.name)));
      if (chosen) why(chosen);
    }, () => {});
    return h("p", { class: "field" }, select);
  }

  async function why(integration) {
    if (!integration) return fill(place.why);
    try {
      const page = await api.get(`/records/${recordPath(record)}/why${query({ integration, limit: 200 })}`);
      fill(place.why, whyTable(page));
    } catch (problem) {
      fill(place.why, h("p", { class: "wrong" }, problem.message));
    }
    return null;
  }

  function tick() {
    for (const cell of place.open.querySelectorAll("[data-closes]")) cell.textContent = countdown(cell.dataset.closes);
  }
  const [stop, still] = [poll(load, 4, serverAway(place.away)), everySecond(tick)];
  return { title: `${type} ${id}`, leave: () => { stop(); still(); } };
}

function windowCard(item, mayChange, again) {
  return h("div", { class: "card" },
    h("p", { class: "buttons" },
      h("span", null, "Being edited: closes in ", h("b", { "data-closes": item.closes_at }, countdown(item.closes_at))),
      mayChange ? windowActions(item.record, again) : null),
    h("p", { class: "below" }, `${item.count} edits by ${item.contributors.map((user) => user.name ?? user.id).join(", ") || "the system"}; would go to: `),
    preview(item));
}

function table(label, head, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, h("table", null,
    h("thead", null, h("tr", null, head.map((name) => h("th", { scope: "col" }, name)))), h("tbody", null, rows)));
}

function messageList(items) {
  if (items.length === 0) return h("p", { class: "quiet" }, "None yet.");
  return table("Messages", ["State", "Message", "Changed", "Integration", "Made"], items.map((message) => h("tr", null,
    h("td", { class: "tight" }, state(message.status)),
    h("td", { class: "main" }, h("a", { href: `/messages/${message.id}` }, message.description ?? message.audit_action)),
    h("td", null, message.fields.join(", ") || "–"),
    h("td", null, message.integration.name ?? "deleted"),
    h("td", { class: "tight" }, time(message.created_at)))));
}

function historyList({ items, next }) {
  if (items.length === 0) return empty("Nothing is known of this record", h("p", null, "No audit of it is kept."));
  return [
    table("History", ["When", "Who", "What", "Changes"], items.toReversed().map((audit) => h("tr", null,
      h("td", { class: "tight" }, time(audit.received_at)),
      h("td", null, audit.user ? audit.user.name ?? audit.user.id : "the system"),
      h("td", null, audit.audit_action, audit.description ? h("span", { class: "below" }, audit.description) : null),
      h("td", { class: "main" }, audit.changes.map((change) => h("span", { class: "below" },
        h("b", null, change.field_name), `: ${short(change.value)}`)))))),
    next ? h("p", { class: "quiet" }, "Only the oldest 200 are shown; the API has the rest.") : null,
  ];
}

function short(value) {
  const text = typeof value === "string" ? textOfHtml(value.slice(0, 2000)) : JSON.stringify(value) ?? "";
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

const DECISIONS = {
  addressed: "sent", waiting: "waiting", filtered: "not sent", nothing_changed: "not sent",
  discarded: "discarded", not_addressed: "not sent",
};

function whyTable({ items }) {
  if (items.length === 0) return h("p", { class: "quiet" }, "No audit of this record is kept.");
  return table("Why", ["When", "Fields", "Outcome", "Because", "Rule", "Message"], items.map((item) => h("tr", null,
    h("td", { class: "tight" }, time(item.received_at)),
    h("td", null, item.fields.join(", ") || "–"),
    h("td", { class: "tight" }, h("b", null, DECISIONS[item.decision] ?? item.decision)),
    h("td", { class: "main" }, item.why),
    h("td", { class: "tight" }, item.rule),
    h("td", { class: "tight" }, [item.message, item.live_message].filter(Boolean).map((message) =>
      h("a", { href: `/messages/${message.id}` }, state(message.status)))))));
}
