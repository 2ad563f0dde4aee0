// Messages: what was sent, what waits, what failed. Rows never move under whoever reads them: newer
// ones are announced, and come when they are asked for.

import { api, query, recordPath } from "/static/api.js";
import { announce, fill, h } from "/static/h.js";
import { poll } from "/static/poll.js";
import * as router from "/static/router.js";
import { FILTERS, filterForm } from "/static/pages/message_filters.js";
import { bars, figures } from "/static/pages/overview.js";
import { shortcuts, showShortcuts } from "/static/pages/shortcuts.js";
import { button, copyButton, due, empty, labelled, may, none, refreshTimes, serverAway, state, table, tell, time } from "/static/ui.js";

const HEADS = ["State", "Record", "Changed", "By", "Integration", "Answer", "Attempts", "Next", "Made"];
const PAGE = 50;

export function messagesPage(main, { me, search }) {
  let filters = Object.fromEntries(FILTERS.map((name) => [name, search.get(name) ?? ""]));
  const has = (...roles) => may(me, ...roles);
  const place = {
    away: h("div"), overview: h("div.overview"), news: h("div"), list: h("div"), more: h("p.buttons"),
  };
  const rows = h("tbody", { role: "rowgroup" });
  let shown = null;
  let next = null;
  let again = null;

  const form = filterForm(filters, (wanted) => {
    filters = wanted;
    router.pushQuery(query(wanted));
    shown = null;
    fill(place.news);
    again?.abort();
    again = new AbortController();
    load(again.signal).catch((problem) => problem.name === "AbortError" || failed(problem, 5));
  });
  fill(main,
    h("div.head", h("h1", "Messages"),
      h("p.buttons", button("Keys ?", () => showShortcuts(), { class: "small keys" }))),
    place.away, place.overview, form, place.news, place.list, place.more);

  function draw() {
    fill(rows, shown.map((message) => row(message)));
    if (shown.length === 0) fill(place.list, nothing(filters, has, form));
    else if (!rows.isConnected) fill(place.list, table("Messages", HEADS, rows));
    fill(place.more, next ? button("Older messages", loadMore) : null);
  }

  async function load(signal) {
    const asked = filters;
    const [page, hours, stats] = await Promise.all([
      api.get(`/messages${query({ ...filters, limit: PAGE })}`, { signal }),
      has("admin", "viewer") ? api.get("/stats/hours", { signal }) : null,
      has("admin", "viewer", "operator") ? api.get("/stats", { signal }) : null,
    ]);
    fill(place.overview, figures(stats, hours?.items), hours ? bars(hours.items) : null);
    if (asked !== filters) return;
    fill(place.away);
    merge(page);
  }

  function merge(page) {
    if (shown === null || shown.length === 0) {
      const first = shown === null;
      [shown, next] = [page.items, page.next];
      if (first || shown.length > 0) draw();
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
      rows.querySelector("a.open")?.focus();
    } }, label));
  }

  async function loadMore() {
    const asked = filters;
    const page = await api.get(`/messages${query({ ...filters, limit: PAGE, after: next })}`);
    if (asked !== filters) return;
    const first = shown.length;
    shown = shown.concat(page.items);
    next = page.next;
    draw();
    rows.children[first]?.querySelector("a.open")?.focus({ preventScroll: true });
  }

  const failed = serverAway(place.away);
  const stop = poll(load, 5, failed);
  const unbind = shortcuts(rows, has("admin", "owner") ? redeliver : null);
  return { title: "Messages", leave: () => { stop(); unbind(); again?.abort(); } };
}

/** The record that a message is about; events are about none. */
export function recordLink({ kind, record }) {
  const name = `${record.type} ${record.id}`;
  return kind === "security" ? name : h("a", { href: `/records/${recordPath(record)}` }, name);
}

function row(message) {
  const name = message.description ?? `${message.record.type} ${message.record.id}`;
  return labelled(HEADS, h("tr", { "data-key": message.id },
    h("td.tight", state(message.status)),
    h("td.main",
      h("a", { href: `/messages/${message.id}`, class: "open", dir: "auto" }, name),
      h("span.below",
        recordLink(message),
        safeLink(message.auditable_url))),
    h("td.list", several(message.fields)),
    h("td.list", several(message.contributors)),
    h("td.list", message.integration.name
      ? h("a", { href: `/integrations/${message.integration.id}` }, message.integration.name)
      : h("span.quiet", "deleted")),
    h("td.tight", message.last_code ?? (message.attempts > 0 ? "no answer" : none())),
    h("td.tight", message.attempts_max ? `${message.attempts} of ${message.attempts_max}` : message.attempts),
    h("td.tight", due(message.next_attempt_at)),
    h("td.tight", time(message.created_at))));
}

/** Names in one cell: each on its own, so that one that is written from right to left stays whole. */
export function several(names, nobody = null) {
  if (names.length === 0) return nobody ? h("span.quiet", nobody) : none();
  return names.map((name, index) => [index > 0 ? ", " : null, h("bdi", name)]);
}

/** A link out, when it is one that a browser may follow. */
export function safeLink(url) {
  if (!/^https?:\/\//i.test(url ?? "")) return null;
  return [" · ", h("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: "out", title: "Open it in its application" }, "open ↗")];
}

function nothing(filters, has, form) {
  if (Object.values(filters).some((value) => value !== "")) {
    return empty("No message fits", h("p", "What is asked for is not among the messages that are kept."),
      h("p", h("button", { type: "button", onclick: () => form.reset() }, "Clear the filters")));
  }
  const later = h("p", "When a record has been left alone for the quiet period, its message is here. ",
    "Until then it is among the ", h("a", { href: "/records" }, "open windows"), ".");
  if (!has("admin")) return empty("Nothing was sent yet", later);
  const curl = [`curl -H "Authorization: Bearer $(cat lull-data/admin-token)" -H 'content-type: application/json' \\`,
    `  ${location.origin}/api/v1/audits -d '{"audit_action":"update","auditable_type":"feature","auditable_id":"42",`,
    `  "user":{"id":"101","name":"Ada"},"changes":[{"field_name":"Name","value":"Export"}]}'`].join("\n");
  return empty("Nothing was sent yet",
    h("p", h("a", { href: "/integrations/new" }, "Make an integration"), ", then post an edit:"),
    h("pre", { tabindex: "0" }, curl), h("p", copyButton(curl, "Copy the command")), later);
}

async function redeliver(id) {
  try {
    await api.post(`/messages/${id}/redeliver`);
    tell("Queued: another attempt will be made.");
  } catch (problem) {
    tell(problem.message, "bad");
  }
}
