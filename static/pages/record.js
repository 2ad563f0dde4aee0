// One record: all that was done to it, its windows, what was sent of it, and why (not).

import { api, query, recordPath } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { everySecond, poll } from "/static/poll.js";
import * as router from "/static/router.js";
import { recordLinks } from "/static/pages/links.js";
import { because } from "/static/pages/timeline.js";
import { safeLink, several } from "/static/pages/messages.js";
import { short } from "/static/pages/values.js";
import { goesTo, windowActions } from "/static/pages/windows.js";
import { button, closing, empty, keepingFocus, may, none, refreshTimes, serverAway, state, table, tickClosing, time } from "/static/ui.js";

/** Pages of the history that are read by themselves; the rest when it is asked for. */
const PAGES = 10;
const PAGE = 100;

export function recordPage(main, { me, parameters: [type, id], search }) {
  const record = { type, id };
  const path = `/records/${recordPath(record)}`;
  const named = recordPath(record);
  const mayChange = may(me, "admin", "owner");
  const links = recordLinks(record, mayChange);
  const place = Object.fromEntries(["away", "open", "messages", "windows", "why", "history"].map((name) => [name, h("div")]));
  const [title, below] = [h("h1", { dir: "auto" }, `${type} ${id}`), h("p.quiet")];
  const drawn = {};
  let integration = search.get("integration") ?? "";
  let history = { items: [], next: null };
  let windows = 1;
  fill(main,
    h("div.head", title, below),
    place.away, place.open, links.element,
    h("h2", "Messages"), place.messages,
    h("h2", "Windows"), place.windows,
    h("h2", { id: "why" }, "Why was it (not) sent?"), chooser(), place.why,
    h("h2", "History"), place.history);

  function once(name, value, draw) {
    const now = JSON.stringify(value);
    if (drawn[name] === now) return false;
    drawn[name] = now;
    keepingFocus(place[name], () => fill(place[name], draw(value)));
    return true;
  }

  async function load(signal) {
    const [open, messages, closed] = await Promise.all([
      api.get(`${path}?stored=false`, { signal }).catch((problem) => {
        if (problem.status === 404 || problem.status === 403) return { items: [] };
        throw problem;
      }),
      api.get(`/messages?record=${named}&limit=50`, { signal }),
      api.get(`${path}/windows${query({ limit: 20 * windows })}`, { signal }),
      readOn(PAGES, signal),
    ]);
    const news = [
      once("open", open.items, (items) => items.map((item) => windowCard(item, mayChange, () => load()))),
      once("messages", messages, messageList),
      once("windows", closed, (page) => windowList(page, () => { windows += 1; return load(); })),
      once("history", [history.items.length, history.next], () => historyList(history, async () => { await readOn(PAGES); await load(); })),
    ];
    await links.load(signal);
    if (news.some(Boolean)) await why();
    name();
    refreshTimes(main);
  }

  /** Reads the history on from where it was read to, as it grows at its end only. */
  async function readOn(pages, signal) {
    for (let page = 0; page < pages; page += 1) {
      const after = history.items.at(-1)?.id;
      const more = await api.get(`/audits?record=${named}${after ? `&after_id=${encodeURIComponent(after)}` : ""}&limit=${PAGE}`, { signal });
      history = { items: history.items.concat(more.items), next: more.next };
      if (!more.next) return;
    }
  }

  /** What its newest edit calls it. */
  function name() {
    const newest = history.items.findLast((audit) => audit.auditable_url);
    const link = safeLink(newest?.auditable_url);
    if (link && !below.hasChildNodes()) fill(below, link[1]);
  }

  function chooser() {
    const select = h("select", { "aria-label": "Integration", onchange: () => {
      integration = select.value;
      router.pushQuery(query({ integration }));
      why();
    } }, h("option", { value: "" }, "Choose an integration"));
    api.get("/integrations?limit=1000").then((page) => {
      select.append(...page.items.map((found) =>
        h("option", { value: found.id, selected: found.id === integration }, found.name)));
    }, () => {});
    return h("p.choose", select);
  }

  async function why() {
    if (integration === "") return fill(place.why);
    const asked = integration;
    try {
      const page = await api.get(`${path}/why${query({ integration, limit: 200 })}`);
      if (asked === integration) once("why", [asked, page], () => whyTable(page));
    } catch (problem) {
      if (problem.status === 0) throw problem;
      fill(place.why, h("p.wrong", problem.message));
    }
    return null;
  }

  const [stop, still] = [poll(load, 4, serverAway(place.away)), everySecond(() => tickClosing(place.open))];
  return { title: `${type} ${id}`, leave: () => { stop(); still(); } };
}

function windowCard(item, mayChange, again) {
  return h("div.card",
    h("p.buttons",
      h("span", "Being edited: closes in ", closing(item.closes_at)), windowActions(item, mayChange, again)),
    h("p.below", item.count === 1 ? "One edit" : `${item.count} edits`, " by ",
      several(item.contributors.map((user) => user.name ?? user.id), "the system"), "; would go to:"),
    goesTo(item));
}

function messageList({ items, next }) {
  if (items.length === 0) return h("p.quiet", "None yet.");
  const rows = items.map((message) => h("tr", { "data-key": message.id },
    h("td.tight", state(message.status)),
    h("td.main", h("a", { href: `/messages/${message.id}`, dir: "auto" }, message.description ?? message.audit_action)),
    h("td.list", several(message.fields)),
    h("td", message.integration.name ?? "deleted"),
    h("td.tight", time(message.created_at))));
  const [first] = items;
  return [table("Messages", ["State", "Message", "Changed", "Integration", "Made"], rows),
    next ? h("p", h("a", { href: `/${query({ record: recordPath(first.record) })}` }, "All messages about it")) : null];
}

function windowList({ items, next }, more) {
  if (items.length === 0) return h("p.quiet", "None has closed yet.");
  return [table("Windows", ["Closed", "Because", "Edits", "Lasted", "Came to"], items.map((window) => h("tr", { "data-key": window.id },
    h("td.tight", time(window.closed_at)),
    h("td.main", because(window)),
    h("td.tight", window.audits),
    h("td.tight", lasted(window)),
    h("td.list", cameTo(window))))),
  next ? h("p", button("Older windows", more)) : null];
}

function lasted({ opened_at: from, closed_at: to }) {
  const seconds = Math.round((new Date(to) - new Date(from)) / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return [hours > 0 ? `${hours} h` : "", minutes > 0 ? `${minutes} min` : "", hours === 0 ? `${seconds % 60} s` : ""].filter(Boolean).join(" ");
}

function cameTo({ addressed, closed_by: by }) {
  if (addressed.length === 0) return h("span.quiet", by === "discarded" ? "discarded" : "no integration wanted it");
  return addressed.map(({ integration, message, nothing_changed: undone }) => h("span.to",
    `${integration.name ?? "deleted"}: `,
    message ? h("a", { href: `/messages/${message.id}` }, state(message.status))
      : undone ? "nothing changed in the end" : "no longer kept"));
}

function historyList({ items, next }, more) {
  if (items.length === 0) return empty("Nothing is known of this record", h("p", "No edit of it is kept."));
  return [
    next ? h("p", `These are the oldest ${items.length}. `, button("Read on", more, { class: "small" })) : null,
    table("History", ["When", "Who", "What", "Changes"], items.toReversed().map((audit) => h("tr", { "data-key": audit.id },
      h("td.tight", time(audit.received_at)),
      h("td.list", h("bdi", audit.user ? audit.user.name ?? audit.user.id : "the system")),
      h("td.list", audit.audit_action, audit.description ? h("span.below", { dir: "auto" }, audit.description) : null),
      h("td.main", audit.changes.length === 0 ? none() : audit.changes.map((change) => h("span.to",
        h("b", h("bdi", change.field_name)), ": ",
        change.old_value === undefined ? null : [h("bdi", short(change.old_value)), " → "],
        h("bdi", short(change.value)))))))),
  ];
}

const DECISIONS = {
  addressed: "sent", waiting: "waiting", filtered: "not sent", nothing_changed: "not sent",
  discarded: "discarded", not_addressed: "not sent",
};

function whyTable({ items, next }) {
  if (items.length === 0) return h("p.quiet", "No edit of this record is kept.");
  return [table("Why", ["When", "Fields", "Outcome", "Because", "Rule", "Message"], items.map((item) => h("tr", { "data-key": item.audit_id },
    h("td.tight", time(item.received_at)),
    h("td.list", several(item.fields)),
    h("td.tight", h("b", DECISIONS[item.decision] ?? item.decision)),
    h("td.main", item.why),
    h("td.tight", item.rule),
    h("td.tight", messagesOf(item))))),
  next ? h("p.quiet", "The oldest 200 edits are explained; the API has the rest.") : null];
}

function messagesOf({ message, live_message: live }) {
  const found = [message, live?.id === message?.id ? null : live].filter(Boolean);
  if (found.length === 0) return none();
  return found.map(({ id, status }) => h("a", { href: `/messages/${id}` }, state(status)));
}
