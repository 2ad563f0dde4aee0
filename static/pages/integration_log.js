// Log messages of one integration: its deliveries, and between them what became of itself.

import { api, query } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { poll } from "/static/poll.js";
import * as router from "/static/router.js";
import { button, empty, keepingFocus, refreshTimes, serverAway, time } from "/static/ui.js";

const PAGE = 100;
const LEVELS = { error: ["✕", "Error"], warning: ["▲", "Warning"], info: ["·", "Info"] };

/** What each state of a message is to whoever reads the log: its level, and in words. */
const STATES = {
  failed: ["error", "Failed"],
  retried: ["warning", "To be tried again"],
  held: ["warning", "Held"],
  cancelled: ["warning", "Cancelled"],
  pending: ["info", "Waiting"],
  delivered: ["info", "Delivered"],
  superseded: ["info", "Taken in by a newer one"],
};

export function integrationLogPage(main, { parameters: [id], search }) {
  const [away, head, place] = [h("div"), h("div"), h("div")];
  let level = search.get("level") ?? "";
  const sources = [
    source((after) => `/messages${query({ integration: id, limit: PAGE, after, status: level === "error" ? "failed" : "" })}`, ofMessage),
    source((after) => `/security-events${query({ target: `integration/${id}`, limit: PAGE, after })}`, ofEvent),
  ];
  let drawn = "";
  fill(main, head, away, place);

  function choice([value, label]) {
    return h("label.choice", h("input", { type: "radio", name: "level", value, checked: level === value, onchange: () => {
      level = value;
      router.pushQuery(query({ level }));
      sources.forEach((one) => one.forget());
      load();
    } }), h("span", label));
  }

  async function load(signal) {
    const path = `/integrations/${encodeURIComponent(id)}`;
    const [found, stats] = await Promise.all([
      api.get(path, { signal }), api.get(`${path}/stats`, { signal }), ...sources.map((one) => one.refresh(signal))]);
    if (!head.hasChildNodes()) {
      document.title = `Log messages of ${found.name} · Lull`;
      fill(head, h("div.head", h("h1", "Log messages of ", h("a", { href: path, dir: "auto" }, found.name))),
        h("fieldset.choices.inline", h("legend.unseen", "Show"),
          [["", "Everything"], ...Object.entries(LEVELS).map(([name, [sign, word]]) => [name, `${sign} ${word}`])].map(choice)));
    }
    draw(stats);
    refreshTimes(place);
  }

  /** Everything that is newer than what has not been asked for yet. */
  function entries() {
    const reach = Math.max(...sources.map((one) => one.reach()));
    return sources.flatMap((one) => one.entries)
      .filter((entry) => Date.parse(entry.at) >= reach && (!level || entry.level === level))
      .sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
  }

  function draw(stats) {
    const shown = entries();
    const isWhole = sources.every((one) => one.isWhole());
    const now = JSON.stringify([shown, isWhole, level]);
    if (now === drawn) return;
    drawn = now;
    keepingFocus(place, () => fill(place,
      shown.length > 0 ? h("ol.entries", shown.map(entryElement))
        : !isWhole ? h("p.quiet", "Nothing of the kind in what has been looked through so far.")
          : empty(level ? "Nothing of the kind" : "Nothing yet", h("p", level ? "Choose Everything to see the rest."
            : "What is sent to the hook, and what is changed about it, will stand here.")),
      isWhole
        ? h("p.quiet", "The log reaches back to ", time(stats.log_since), "; what is older than the server's retention has been forgotten.")
        : h("p.buttons", button("Older", async () => {
          await Promise.all(sources.map((one) => one.older()));
          draw(stats);
        }))));
  }

  return { title: "Log messages", leave: poll(load, 5, serverAway(away)) };
}

/** One kind of entry, page by page: `path` is where its next page is, `read` makes an entry of an item. */
function source(path, read) {
  let next = "";
  const self = {
    entries: [],
    isWhole: () => next === null,
    /** How far back it has been asked for; nothing older can be told yet. */
    reach: () => (next === null ? 0 : Date.parse(self.entries.at(-1)?.at ?? 0)),
    forget() {
      self.entries = [];
    },
    /** Asks for the newest again, and keeps the older that are there. */
    async refresh(signal) {
      const page = await api.get(path(""), { signal });
      const fresh = page.items.map(read);
      const keys = new Set(fresh.map((entry) => entry.key));
      if (self.entries.length === 0) ({ next } = page);
      self.entries = [...fresh, ...self.entries.filter((entry) => !keys.has(entry.key))];
    },
    async older() {
      if (next === null) return;
      const page = await api.get(path(next));
      self.entries.push(...page.items.map(read));
      ({ next } = page);
    },
  };
  return self;
}

function ofMessage({ id, created_at: at, status, attempts, last_code: code, description, record }) {
  const [level, what] = STATES[status === "pending" && attempts > 0 ? "retried" : status] ?? ["info", status];
  const tried = attempts === 0 ? "" : `${attempts === 1 ? "1 attempt" : `${attempts} attempts`}, ${code ? `answered ${code}` : "no answer"}`;
  return { key: id, at, level, what, detail: tried, text: description ?? `${record.type} ${record.id}`, href: `/messages/${id}` };
}

function ofEvent({ place, created_at: at, action, user, outcome, description, details }) {
  const what = action.replace(/^integration\./, "").replace(".", " ");
  return {
    key: `event ${place}`, at, level: outcome === "failure" ? "error" : what === "disabled" ? "warning" : "info", own: true,
    what: what[0].toUpperCase() + what.slice(1), detail: `by ${user?.name ?? "Lull"}`,
    text: description ?? details.reason ?? (details.changed ?? []).join(", ").replaceAll("_", " "),
  };
}

function entryElement({ key, at, level, own, what, detail, text, href }) {
  const [sign, word] = LEVELS[level];
  return h("li", { class: `entry ${level}${own ? " own" : ""}`, "data-key": key },
    h("span.level", h("span", { "aria-hidden": "true" }, sign), ` ${word}`), time(at),
    h("span.what", h("b", what), text ? " · " : "", href ? h("a", { href, dir: "auto" }, text) : h("span", { dir: "auto" }, text), h("span.below", detail)));
}
