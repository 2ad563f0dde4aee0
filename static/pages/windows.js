// Open windows: who edits what right now, and what will go to whom when they have stopped.

import { api, query, recordPath } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { everySecond, poll } from "/static/poll.js";
import { countdown, exact } from "/static/time.js";
import { ask, button, empty, refreshTimes, serverAway, tell, time } from "/static/ui.js";

export function windowsPage(main, { me }) {
  const [away, place, more] = [h("div"), h("div"), h("p", { class: "buttons" })];
  const mayChange = me.roles.some((role) => role === "admin" || role === "owner");
  let pages = 1;
  let drawn = "";
  fill(main, h("div", { class: "head" }, h("h1", null, "Open windows")), away, place, more);

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
    if (now !== drawn && !place.contains(document.activeElement)) {
      drawn = now;
      draw(items);
    }
    fill(more, next ? button("More windows", async () => { pages += 1; await load(); }) : null);
    refreshTimes(place);
  }

  function draw(items) {
    if (items.length === 0) {
      fill(place, empty("No record is being edited", h("p", null, "An edit opens a window; it is here until ",
        "the record has been left alone for the quiet period. What was sent is among the ",
        h("a", { href: "/" }, "messages"), ".")));
      return;
    }
    const head = ["Closes in", "Record", "So far", "By", "Edits", "Would go to", ...(mayChange ? [""] : [])];
    fill(place, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Open windows" }, h("table", null,
      h("thead", null, h("tr", null, head.map((text) => h("th", { scope: "col" }, text || h("span", { class: "unseen" }, "Actions"))))),
      h("tbody", null, items.map((item) => row(item, mayChange, () => { drawn = ""; return load(); }))))));
    tick();
  }

  function tick() {
    for (const cell of place.querySelectorAll("[data-closes]")) cell.textContent = countdown(cell.dataset.closes);
  }

  const [stop, still] = [poll(load, 3, serverAway(away)), everySecond(tick)];
  return { title: "Open windows", leave: () => { stop(); still(); } };
}

function row(item, mayChange, again) {
  const { record } = item;
  return h("tr", null,
    h("td", { class: "tight" },
      h("b", { "data-closes": item.closes_at, title: exact(item.closes_at) }),
      item.cap ? h("span", { class: "below" }, "at the latest ", time(item.cap)) : null),
    h("td", { class: "main" },
      h("a", { href: `/records/${recordPath(record)}` }, item.description ?? `${record.type} ${record.id}`),
      h("span", { class: "below" }, `${record.type} ${record.id}`)),
    h("td", null, item.fields.join(", ") || "–"),
    h("td", null, item.contributors.map((user) => user.name ?? user.id).join(", ") || "–"),
    h("td", { class: "tight" }, item.count, h("span", { class: "below" }, "last ", time(item.last_edit_at))),
    h("td", null, preview(item)),
    mayChange ? h("td", { class: "tight" }, h("span", { class: "buttons" }, windowActions(record, again))) : null);
}

/** What would be sent to whom, if the window closed now. */
export function preview(item) {
  if (item.preview.length === 0) return h("span", { class: "quiet" }, "nobody");
  return item.preview.map((to) => h("span", { class: "below" },
    h("a", { href: `/integrations/${to.integration.id}` }, to.integration.name),
    `: ${to.fields.join(", ")}`, to.absorbs ? " (with what is still waiting)" : ""));
}

export function windowActions(record, again) {
  const path = `/records/${recordPath(record)}`;
  return [
    button("Send now", async () => {
      const { messages } = await api.post(`${path}/send-now`);
      tell(messages.length === 0 ? "Closed: no integration wanted it." : `Closed: ${messages.length} to be sent.`);
      await again();
    }, { class: "small" }),
    button("Discard…", async () => {
      const reason = h("label", { class: "field" }, h("span", null, "Why (for the log)"),
        h("input", { type: "text", name: "reason", maxlength: "1000" }));
      const data = await ask(`Discard the edits of ${record.type} ${record.id}?`,
        [h("p", null, "They stay in the history, and are sent to nobody."), reason], "Discard", "bad");
      if (!data) return;
      await api.post(`${path}/discard`, { reason: data.get("reason") });
      tell("Discarded.");
      await again();
    }, { class: "small bad" }),
  ];
}
