// One message: its way from the first edit to its delivery, and every attempt as it was.

import { api, query, recordPath } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { poll } from "/static/poll.js";
import { part, pretty, requestPanel, responsePanel } from "/static/pages/attempt.js";
import { recordLink, safeLink, several } from "/static/pages/messages.js";
import { timeline } from "/static/pages/timeline.js";
import { auditOf, changes } from "/static/pages/values.js";
import { button, copyButton, due, empty, keepingFocus, may, refreshTimes, serverAway, state, tell, time } from "/static/ui.js";

const TABS = ["Changes", "Request", "Response", "Raw"];

export function messagePage(main, { me, parameters: [id] }) {
  const mayChange = may(me, "admin", "owner");
  const [away, place] = [h("div"), h("div")];
  let [message, audits] = [null, null];
  let drawn = "";
  let tab = TABS[0];
  let chosen = null;
  fill(main, away, place);

  async function load(signal) {
    const path = `/messages/${encodeURIComponent(id)}`;
    try {
      message = await api.get(path, { signal });
    } catch (problem) {
      if (problem.status !== 404 && problem.status !== 403) throw problem;
      fill(place, h("h1.unseen", "Message"), empty("There is no such message",
        h("p", problem.message), h("p", h("a", { href: "/" }, "Go to the messages"))));
      return;
    }
    // What it was made of never becomes another.
    if (!audits) {
      if (drawn === "") draw();
      audits = await api.get(`${path}/audits${query({ limit: 200 })}`, { signal });
    }
    const now = JSON.stringify(message);
    if (now !== drawn) {
      drawn = now;
      draw();
    }
    refreshTimes(place);
  }

  function draw() {
    const name = message.description ?? `${message.record.type} ${message.record.id}`;
    document.title = `${name} · Lull`;
    keepingFocus(place, () => fill(place,
      h("div.head",
        h("h1", { dir: "auto" }, name), state(message.status),
        mayChange ? actions(message, () => load()) : null),
      message.status === "held" ? h("p.away", "Held: its integration is disabled. It goes on when ",
        h("a", { href: `/integrations/${message.integration.id}` }, message.integration.name), " is enabled.") : null,
      h("div.beside",
        h("section", h("h2", "What happened"), timeline(message, audits, (number) => {
          chosen = number;
          tab = "Response";
          draw();
          document.getElementById("panel").scrollIntoView({ block: "nearest" });
        })),
        facts(message)),
      tabs()));
  }

  function tabs() {
    const names = message.kind === "activity" ? TABS : TABS.slice(1);
    if (!names.includes(tab)) [tab] = names;
    const panel = h("div", { role: "tabpanel", id: "panel", tabindex: "0", "aria-label": tab }, panelOf());
    const list = h("div.tabs", { role: "tablist", "aria-label": "The message" }, names.map((name) =>
      h("button", {
        type: "button", role: "tab", "aria-selected": String(name === tab), "aria-controls": "panel",
        tabindex: name === tab ? "0" : "-1",
        onclick: () => { tab = name; draw(); place.querySelector("[aria-selected=true]").focus(); },
      }, name)));
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      tab = names[(names.indexOf(tab) + step + names.length) % names.length];
      draw();
      place.querySelector("[aria-selected=true]").focus();
    });
    return [list, panel];
  }

  function panelOf() {
    if (tab === "Changes") return changes(auditOf(message.body));
    if (tab === "Raw") return part("Body", message.body, pretty(message.body));
    const attempts = message.attempts_made;
    const attempt = attempts.find((found) => found.number === chosen) ?? attempts.at(-1);
    if (!attempt) {
      return [h("p.quiet", "No attempt was made yet."), tab === "Request" ? part("Body", message.body, pretty(message.body)) : null];
    }
    return [chooser(attempts, attempt), tab === "Request" ? requestPanel(attempt, message.body) : responsePanel(attempt)];
  }

  function chooser(attempts, attempt) {
    if (attempts.length === 1) return h("p.quiet", "Attempt 1, ", time(attempt.at));
    const select = h("select", { name: "attempt", "aria-label": "Attempt", onchange: () => { chosen = Number(select.value); draw(); } },
      attempts.map(({ number, response }) =>
        h("option", { value: number, selected: number === attempt.number }, `Attempt ${number}: ${response?.code ?? "no answer"}`)));
    return h("p.choose", select, " ", time(attempt.at));
  }

  return { title: "Message", leave: poll(load, 4, serverAway(away)) };
}

function actions(message, again) {
  const owed = message.status === "pending" || message.status === "held";
  const why = message.integration.name === null ? "Its integration was deleted"
    : message.status === "held" ? "Its integration is disabled" : null;
  return h("p.buttons",
    why ? h("span.quiet", why) : null,
    button(owed ? "Try now" : "Redeliver", async () => {
      await api.post(`/messages/${message.id}/redeliver`);
      tell("Queued: another attempt will be made.");
      await again();
    }, { class: "main", disabled: why !== null }),
    owed ? button("Cancel", async () => {
      await api.post(`/messages/${message.id}/cancel`);
      tell("Cancelled: no more attempts will be made.");
      await again();
    }) : null);
}

function madeOf({ kind, audits: count }) {
  if (kind === "record") return ", of the record as it was";
  const what = kind === "security" ? "event" : "edit";
  return `, of ${count === 1 ? `one ${what}` : `${count} ${what}s`}`;
}

function facts(message) {
  const fact = (name, ...value) => [h("dt", name), h("dd", value)];
  return h("aside.card", { "aria-label": "Facts" }, h("dl.facts",
    fact(message.kind === "security" ? "About" : "Record", recordLink(message), safeLink(message.auditable_url)),
    fact("Integration", message.integration.name
      ? h("a", { href: `/integrations/${message.integration.id}` }, message.integration.name) : "deleted"),
    fact("By", several(message.contributors, "the system")),
    fact("Made", time(message.created_at), madeOf(message)),
    fact("Attempts", message.attempts_max ? `${message.attempts} of ${message.attempts_max}` : message.attempts),
    message.next_attempt_at ? fact("Next attempt", due(message.next_attempt_at)) : null,
    fact("webhook-id", h("span.mono", message.id), " ", copyButton(message.id)),
    message.kind !== "activity" ? null : fact("Why", h("a", { href: `/records/${recordPath(message.record)}?integration=${message.integration.id}` },
      "Why was this sent?"))));
}
