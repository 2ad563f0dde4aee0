// Log messages of one integration: its deliveries, and between them what became of itself.

import { api, query } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { poll } from "/static/poll.js";
import * as router from "/static/router.js";
import { button, empty, serverAway, time } from "/static/ui.js";

const PAGE = 100;
const LEVELS = { error: ["✕", "Error"], warning: ["▲", "Warning"], info: ["·", "Info"] };

/** What each state of a message is to whoever reads the log. */
const OF_STATE = { failed: "error", pending: "info", held: "warning", delivered: "info", superseded: "info", cancelled: "warning" };

export function integrationLogPage(main, { parameters: [id], search }) {
  const [away, head, place, more] = [h("div"), h("div"), h("div"), h("div", { class: "buttons" })];
  let level = search.get("level") ?? "";
  const sources = [
    source((after) => `/messages${query({ integration: id, limit: PAGE, after, status: level === "error" ? "failed" : "" })}`, ofMessage),
    source((after) => `/security-events${query({ target: `integration/${id}`, limit: PAGE, after })}`, ofEvent),
  ];
  let drawn = "";
  fill(main, head, away, place, more);

  function choices() {
    const choice = (value, label) => h("label", { class: "choice" },
      h("input", { type: "radio", name: "level", value, checked: level === value, onchange: () => choose(value) }), h("span", null, label));
    return h("fieldset", { class: "choices inline" }, h("legend", { class: "unseen" }, "Show"),
      choice("", "Everything"), Object.entries(LEVELS).map(([name, [sign, word]]) => choice(name, `${sign} ${word}`)));
  }

  function choose(value) {
    level = value;
    router.pushQuery(query({ level }));
    for (const one of sources) one.forget();
    drawn = "";
    load().catch(() => {});
  }

  async function load(signal) {
    const [found, stats] = await Promise.all([
      api.get(`/integrations/${encodeURIComponent(id)}`, { signal }),
      api.get(`/integrations/${encodeURIComponent(id)}/stats`, { signal }),
      ...sources.map((one) => one.refresh(signal)),
    ]);
    if (!head.hasChildNodes()) fill(head, title(found), choices());
    document.title = `Log messages of ${found.name} · Lull`;
    draw(found, stats);
  }

  /** Everything that is newer than what has not been asked for yet. */
  function entries() {
    const reach = Math.max(...sources.map((one) => one.reach()));
    const all = sources.flatMap((one) => one.entries).filter((entry) => new Date(entry.at).getTime() >= reach);
    return all.filter((entry) => !level || entry.level === level)
      .sort((one, other) => new Date(other.at) - new Date(one.at));
  }

  function draw(found, stats) {
    const shown = entries();
    const now = JSON.stringify([shown, stats.log_since]);
    if (now === drawn) return;
    drawn = now;
    const isWhole = sources.every((one) => one.isWhole());
    fill(place,
      shown.length > 0 ? h("ol", { class: "log" }, shown.map(entryElement)) : nothing(level, isWhole),
      isWhole ? h("p", { class: "quiet" }, reachOf(found, stats)) : null);
    fill(more, isWhole ? null : button("Older", async () => {
      await Promise.all(sources.map((one) => one.older()));
      draw(found, stats);
    }));
  }

  return { title: "Log messages", leave: poll(load, 5, serverAway(away)) };
}

function title(found) {
  return h("div", { class: "head" },
    h("h1", null, "Log messages of ", h("a", { href: `/integrations/${found.id}`, dir: "auto" }, found.name)));
}

function nothing(level, isWhole) {
  if (!isWhole) return h("p", { class: "quiet" }, "Nothing of the kind in what has been looked through so far.");
  return level
    ? empty("Nothing of the kind", h("p", null, "Choose Everything to see the rest."))
    : empty("Nothing yet", h("p", null, "What is sent to the hook, and what is changed about it, will stand here."));
}

function reachOf(found, stats) {
  const from = stats.log_since ?? found.created_at;
  return ["The log reaches back to ", time(from), "; what is older than the server's retention has been forgotten."];
}

/** One kind of entry, page by page: `path` is where its next page is, `read` makes entries of its items. */
function source(path, read) {
  let next = "";
  const self = {
    entries: [],
    isWhole: () => next === null,
    /** How far back it has been asked for; nothing older can be told yet. */
    reach: () => (next === null ? 0 : new Date(self.entries.at(-1)?.at ?? 0).getTime()),
    forget() {
      self.entries = [];
      next = "";
    },
    /** Asks for the newest again, and keeps the older that are there. */
    async refresh(signal) {
      const page = await api.get(path(""), { signal });
      const fresh = page.items.map(read);
      const keys = new Set(fresh.map((entry) => entry.key));
      const isFirst = self.entries.length === 0;
      self.entries = [...fresh, ...self.entries.filter((entry) => !keys.has(entry.key))];
      if (isFirst) next = page.next;
    },
    async older() {
      if (next === null) return;
      const page = await api.get(path(next));
      self.entries.push(...page.items.map(read));
      next = page.next;
    },
  };
  return self;
}

function ofMessage(message) {
  const retried = message.status === "pending" && message.attempts > 0;
  const tried = message.attempts === 0 ? "" : `, ${message.attempts === 1 ? "1 attempt" : `${message.attempts} attempts`}`;
  const answered = message.last_code ? `, answered ${message.last_code}` : message.attempts > 0 ? ", no answer" : "";
  const words = { pending: retried ? "To be tried again" : "Waiting", held: "Held", delivered: "Delivered", failed: "Failed", superseded: "Taken in by a newer one", cancelled: "Cancelled" };
  return {
    key: message.id, at: message.created_at, level: retried ? "warning" : OF_STATE[message.status] ?? "info",
    what: words[message.status] ?? message.status, detail: `${tried}${answered}`.replace(/^, /, ""),
    text: message.description ?? `${message.record.type} ${message.record.id}`, href: `/messages/${message.id}`,
  };
}

function ofEvent(event) {
  const by = event.user?.name ?? "Lull";
  const what = event.action.startsWith("integration.") ? event.action.slice("integration.".length) : event.action.replace(".", " ");
  const changed = event.details.changed?.length > 0 ? event.details.changed.join(", ").replaceAll("_", " ") : "";
  const isBad = event.outcome === "failure";
  return {
    key: `event ${event.place}`, at: event.created_at, level: isBad ? "error" : what === "disabled" ? "warning" : "info", own: true,
    what: `${what[0].toUpperCase()}${what.slice(1)}`, detail: `by ${by}`, text: event.description ?? event.details.reason ?? changed,
  };
}

function entryElement(entry) {
  const [sign, word] = LEVELS[entry.level];
  return h("li", { class: `entry ${entry.level} ${entry.own ? "own" : ""}`, "data-key": entry.key },
    h("span", { class: "level" }, h("span", { "aria-hidden": "true" }, sign), ` ${word}`),
    h("span", { class: "at" }, time(entry.at)),
    h("span", { class: "what" }, h("b", null, entry.what), " ",
      entry.href ? h("a", { href: entry.href, dir: "auto" }, entry.text) : h("span", { dir: "auto" }, entry.text),
      h("span", { class: "below" }, entry.detail)));
}
