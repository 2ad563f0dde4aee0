// Open windows: who edits what right now, and what will go to whom when they have stopped.

import { api, query, recordPath } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { everySecond, poll } from "/static/poll.js";
import { part, pretty } from "/static/pages/attempt.js";
import { safeLink, several } from "/static/pages/messages.js";
import { auditOf, changes } from "/static/pages/values.js";
import { ask, button, closing, due, empty, keepingFocus, may, refreshTimes, serverAway, show, table, tell, tickClosing, time } from "/static/ui.js";

export function windowsPage(main, { me }) {
  const [away, place, more] = [h("div"), h("div"), h("p.buttons")];
  const mayChange = may(me, "admin", "owner");
  let pages = 1;
  let drawn = "";
  fill(main, h("div.head", h("h1", "Open windows")), away, place, more);

  async function load(signal) {
    let items = [];
    let next = null;
    for (let page = 0; page < pages; page += 1) {
      const answer = await api.get(`/records${query({ pending: "true", after: next, limit: 50 })}`, { signal });
      items = items.concat(answer.items);
      next = answer.next;
      if (!next) break;
    }
    const now = JSON.stringify(items);
    if (now !== drawn) {
      drawn = now;
      keepingFocus(place, () => draw(items));
    }
    fill(more, next ? button("More windows", async () => { pages += 1; await load(); }) : null);
    refreshTimes(place);
  }

  function draw(items) {
    if (items.length === 0) {
      fill(place, empty("No record is being edited", h("p", "An edit opens a window; it is here until ",
        "the record has been left alone for the quiet period. What was sent is among the ",
        h("a", { href: "/" }, "messages"), ".")));
      return;
    }
    fill(place, table("Open windows", ["Closes in", "Record", "So far", "By", "Edits", "Would go to", ""],
      items.map((item) => row(item, mayChange, () => { drawn = ""; return load(); }))));
  }

  const [stop, still] = [poll(load, 3, serverAway(away)), everySecond(() => tickClosing(place))];
  return { title: "Open windows", leave: () => { stop(); still(); } };
}

function row(item, mayChange, again) {
  const { record } = item;
  return h("tr", { "data-key": `${recordPath(record)} ${item.opened_at} ${item.quiet_period}` },
    h("td.tight", closing(item.closes_at),
      item.cap ? h("span.below", "at the latest ", due(item.cap))
        : h("span.below", `when quiet for ${item.quiet_period}`)),
    h("td.main",
      h("a", { href: `/records/${recordPath(record)}`, dir: "auto" }, item.description ?? `${record.type} ${record.id}`),
      h("span.below", `${record.type} ${record.id}`, safeLink(item.auditable_url))),
    h("td.list", several(item.fields)),
    h("td.list", several(item.contributors.map((user) => user.name ?? user.id), "the system")),
    h("td.tight", item.count, h("span.below", "last ", time(item.last_edit_at))),
    h("td.list", goesTo(item)),
    h("td.tight.wide", h("span.buttons", windowActions(item, mayChange, again))));
}

/** Whom what is in the window would go to, if it closed now. */
export function goesTo(item) {
  if (item.preview.length === 0) return h("span.quiet", "nobody");
  return item.preview.map((to) => h("span.to",
    h("a", { href: `/integrations/${to.integration.id}` }, to.integration.name),
    to.fields.length > 0 ? [": ", several(to.fields)] : null,
    to.absorbs ? h("span.quiet", " (with what is still waiting)") : null));
}

export function windowActions(item, mayChange, again) {
  const { record } = item;
  const path = `/records/${recordPath(record)}`;
  const named = `${record.type} ${record.id}`;
  const look = item.preview.length === 0 ? null : button("Preview", async () => {
    const { items } = await api.get(path);
    show(`What would be sent of ${named}`, items.flatMap(({ preview }) => preview).map(previewOf));
  }, { class: "small", "aria-label": `Preview of ${named}` });
  if (!mayChange) return look;
  return [
    look,
    button("Send now", async () => {
      const { messages } = await api.post(`${path}/send-now`);
      tell(messages.length === 0 ? "Closed: no integration wanted it." : `Closed: ${messages.length} queued to be sent.`);
      await again();
    }, { class: "small", "aria-label": `Send now ${named}` }),
    button("Discard…", async () => {
      const reason = h("label.field", h("span", "Why (for the log)"),
        h("input", { type: "text", name: "reason", maxlength: "1000" }));
      const done = await ask(`Discard the edits of ${named}?`,
        [h("p", "They stay in the history, and are sent to nobody."), reason], "Discard",
        { kind: "bad", act: (data) => api.post(`${path}/discard`, { reason: data.get("reason") }) });
      if (!done) return;
      tell("Discarded.");
      await again();
    }, { class: "small bad", "aria-label": `Discard ${named}` }),
  ];
}

/** One message as it would be sent. */
function previewOf(to) {
  return h("section", h("h3", to.integration.name, h("span.below", `of ${to.audits === 1 ? "one edit" : `${to.audits} edits`}`)),
    changes(auditOf(to.body)),
    h("details", h("summary", "Raw"), part("Body", to.body, pretty(to.body))));
}
