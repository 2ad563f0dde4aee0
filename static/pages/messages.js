// Messages: what was sent, what waits, what failed. Rows never move under whoever reads them: newer
// ones are announced, and come when they are asked for.

import { api, query, recordPath } from "/static/api.js";
import { announce, fill, h } from "/static/h.js";
import { poll } from "/static/poll.js";
import * as router from "/static/router.js";
import { exact } from "/static/time.js";
import { empty, refreshTimes, serverAway, state, tell, time } from "/static/ui.js";

const STATES = ["pending", "held", "delivered", "failed", "superseded", "cancelled"];
const CODES = [["2xx", "2xx"], ["3xx", "3xx"], ["4xx", "4xx"], ["5xx", "5xx"], ["none", "no answer"]];
const FILTERS = ["status", "integration", "record_type", "record", "user", "code", "q", "since", "until"];
const PAGE = 50;

export function messagesPage(main, { me, search }) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, search.get(name) ?? ""]));
  const place = {
    away: h("div"), bars: h("div"), figures: h("ul", { class: "figures" }), news: h("div"),
    list: h("div"), more: h("p", { class: "buttons" }),
  };
  const rows = h("tbody");
  let shown = [];
  let next = null;

  fill(main,
    h("div", { class: "head" }, h("h1", null, "Messages")),
    place.away, place.bars, place.figures, filterForm(filters), place.news, place.list, place.more);

  function table() {
    const head = ["State", "Record", "Changed", "By", "Integration", "Answer", "Attempts", "Next", "Made"];
    return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Messages" },
      h("table", null,
        h("thead", null, h("tr", null, head.map((text) => h("th", { scope: "col" }, text)))), rows));
  }

  function draw() {
    fill(rows, shown.map((message) => row(message)));
    if (shown.length > 0) {
      if (!place.list.querySelector("table")) fill(place.list, table());
    } else {
      fill(place.list, nothing(filters));
    }
    fill(place.more, next ? h("button", { type: "button", onclick: loadMore }, "Older messages") : null);
  }

  const mayAll = me.roles.some((role) => role === "admin" || role === "viewer");

  async function load(signal) {
    const [page, hours, stats] = await Promise.all([
      api.get(`/messages${query({ ...filters, limit: PAGE })}`, { signal }),
      mayAll ? api.get("/stats/hours", { signal }) : null,
      me.roles.some((role) => ["admin", "viewer", "operator"].includes(role)) ? api.get("/stats", { signal }) : null,
    ]);
    fill(place.bars, hours ? bars(hours.items) : null);
    fill(place.figures, figures(stats));
    merge(page);
  }

  function merge(page) {
    if (shown.length === 0) {
      [shown, next] = [page.items, page.next];
      draw();
      return;
    }
    const places = new Map(shown.map((message, index) => [message.id, index]));
    const newer = page.items.filter((message) => !places.has(message.id));
    for (const message of page.items) {
      if (places.has(message.id)) replace(places.get(message.id), message);
    }
    if (newer.length > 0) tellNewer(page, newer.length);
    refreshTimes(main);
  }

  /** A row as it is now, in its place; one that somebody is on stays until they have left it. */
  function replace(index, message) {
    const [before, there] = [shown[index], rows.children[index]];
    if (JSON.stringify(before) === JSON.stringify(message) || there.contains(document.activeElement)) return;
    shown[index] = message;
    there.replaceWith(row(message));
  }

  function tellNewer(page, newer) {
    const label = `${newer === page.items.length && page.next ? `${newer}+` : newer} new`;
    if (place.news.textContent === label) return;
    announce(`${label} messages`);
    fill(place.news, h("button", { type: "button", class: "new", onclick: () => {
      [shown, next] = [page.items, page.next];
      fill(place.news);
      draw();
    } }, label));
  }

  async function loadMore() {
    const page = await api.get(`/messages${query({ ...filters, limit: PAGE, after: next })}`);
    shown = shown.concat(page.items);
    next = page.next;
    draw();
  }

  const stop = poll(load, 5, serverAway(place.away));
  const unbind = shortcuts(rows);
  return { title: "Messages", leave: () => { stop(); unbind(); } };
}

function row(message) {
  const name = message.description ?? `${message.record.type} ${message.record.id}`;
  return h("tr", null,
    h("td", { class: "tight" }, state(message.status)),
    h("td", { class: "main" },
      h("a", { href: `/messages/${message.id}`, class: "open" }, name),
      h("span", { class: "below" },
        h("a", { href: `/records/${recordPath(message.record)}` }, `${message.record.type} ${message.record.id}`),
        safeLink(message.auditable_url))),
    h("td", null, message.fields.join(", ") || "–"),
    h("td", null, message.contributors.join(", ") || "–"),
    h("td", null, message.integration.name
      ? h("a", { href: `/integrations/${message.integration.id}` }, message.integration.name)
      : h("span", { class: "quiet" }, "deleted")),
    h("td", { class: "tight" }, message.last_code ?? (message.attempts > 0 ? "no answer" : "–")),
    h("td", { class: "tight" }, message.attempts_max ? `${message.attempts} of ${message.attempts_max}` : message.attempts),
    h("td", { class: "tight" }, time(message.next_attempt_at)),
    h("td", { class: "tight" }, time(message.created_at)));
}

/** A link out, when it is one that a browser may follow. */
export function safeLink(url) {
  if (!/^https?:\/\//i.test(url ?? "")) return null;
  return [" · ", h("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: "out", title: "Open it in its application" }, "open ↗")];
}

/** The last 24 hours: a bar an hour, what failed on top of what was delivered. */
function bars(hours) {
  const most = Math.max(1, ...hours.map((hour) => hour.delivered + hour.failed));
  const [width, height] = [24, 44];
  const total = (key) => hours.reduce((sum, hour) => sum + hour[key], 0);
  const label = `The last 24 hours: ${total("delivered")} delivered, ${total("failed")} failed`;
  return h("svg:svg", { class: "bars", role: "img", "aria-label": label, viewBox: `0 0 ${24 * width} ${height}`, preserveAspectRatio: "none" },
    hours.map((hour, index) => {
      const [good, bad] = [hour.delivered, hour.failed].map((count) => (count / most) * (height - 4));
      const bar = (kind, y, tall) => tall > 0
        ? h("svg:rect", { class: kind, x: index * width + 2, y, width: width - 4, height: Math.max(tall, 1.5) }) : null;
      return h("svg:g", null, h("svg:title", null, `${exact(hour.at)}: ${hour.delivered} delivered, ${hour.failed} failed`),
        h("svg:rect", { class: "ground", x: index * width + 2, y: height - 1.5, width: width - 4, height: 1.5 }),
        bar("good", height - good, good), bar("bad", height - good - bad, bad));
    }));
}

function figures(stats) {
  if (!stats) return [];
  const { owed, integrations, messages } = stats;
  const figure = (number, label) => h("li", null, h("b", null, number.toLocaleString("en")), label);
  return [
    figure(owed, "waiting"),
    figure(integrations.failing, "integrations failing"),
    messages ? figure(messages.delivered, "delivered") : null,
    messages ? figure(messages.failed, "failed") : null,
    messages?.oldest_owed_at ? h("li", null, h("b", null, time(messages.oldest_owed_at)), "oldest waiting") : null,
  ];
}

function filterForm(filters) {
  const select = (name, label, options) => h("label", null, h("span", null, label),
    h("select", { name, onchange: apply }, h("option", { value: "" }, "any"),
      options.map(([value, text]) => h("option", { value, selected: filters[name] === value }, text))));
  const input = (name, label, placeholder) => h("label", null, h("span", null, label),
    h("input", { type: "search", name, placeholder, value: filters[name], onchange: apply }));
  const integrations = select("integration", "Integration", []);
  api.get("/integrations?limit=1000").then((page) => {
    integrations.querySelector("select").append(...page.items.map((found) =>
      h("option", { value: found.id, selected: filters.integration === found.id }, found.name)));
  }, () => {});
  const form = h("form", { class: "filters", role: "search", "aria-label": "Filter messages" },
    select("status", "State", STATES.map((name) => [name, name])), integrations,
    input("record_type", "Record type", "feature"), input("record", "Record", "type/id"),
    input("user", "By", "any part of a name"), select("code", "Answer", CODES),
    input("q", "Text", "in record or description"),
    input("since", "Since", "2026-03-02T09:00:00Z"), input("until", "Until", "2026-03-03T09:00:00Z"));
  function apply() {
    const wanted = Object.fromEntries(new FormData(form));
    router.go(`/${query(wanted)}`);
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  return form;
}

function nothing(filters) {
  if (Object.values(filters).some((value) => value !== "")) {
    return empty("No message fits", h("p", null, h("a", { href: "/" }, "Clear the filters")));
  }
  const curl = `curl -H "Authorization: Bearer $(cat lull-data/admin-token)" -H 'content-type: application/json' \\
  ${location.origin}/api/v1/audits -d '{"audit_action":"update","auditable_type":"feature","auditable_id":"42",
  "user":{"id":"101","name":"Ada"},"changes":[{"field_name":"Name","value":"Export"}]}'`;
  return empty("Nothing was sent yet",
    h("p", null, h("a", { href: "/integrations/new" }, "Make an integration"), ", then post an edit:"),
    h("pre", null, curl),
    h("p", null, "When the record has been left alone for the quiet period, its message is here. ",
      "Until then it is among the ", h("a", { href: "/records" }, "open windows"), "."));
}

/** j and k move, Enter opens, / filters, ? explains. */
function shortcuts(rows) {
  function pressed(event) {
    if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = [...rows.querySelectorAll("a.open")];
    const at = links.indexOf(rows.querySelector("tr:focus-within a.open"));
    if (event.key === "j") links[Math.min(at + 1, links.length - 1)]?.focus();
    else if (event.key === "k") links[Math.max(at - 1, 0)]?.focus();
    else if (event.key === "r" && at >= 0) redeliver(links[at]);
    else if (event.key === "/") document.querySelector(".filters select")?.focus();
    else if (event.key === "Escape") document.activeElement?.blur();
    else if (event.key === "?") tell("j, k: next, previous · Enter: open · r: redeliver · /: filter · Esc: let go");
    else return;
    event.preventDefault();
  }
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}

async function redeliver(link) {
  const id = link.pathname.split("/").pop();
  try {
    await api.post(`/messages/${id}/redeliver`);
    tell("Queued: another attempt will be made.");
  } catch (problem) {
    tell(problem.message, "bad");
  }
}
