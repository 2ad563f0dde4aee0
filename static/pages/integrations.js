// Integrations: the list, and one of them as a form.

import { api, query } from "/static/api.js";
import { fill, h } from "/static/h.js";
import { poll } from "/static/poll.js";
import { empty, serverAway, state, time } from "/static/ui.js";
import { integrationLinks } from "/static/pages/links.js";
import { integrationForm } from "/static/pages/integration_form.js";
import { afterSaving, integrationActions, secretCard, takeFreshSecret } from "/static/pages/integration_actions.js";

export function integrationsPage(main, { me }) {
  const [away, place] = [h("div"), h("div")];
  const mayChange = me.roles.some((role) => role === "admin" || role === "owner");
  const add = () => h("a", { class: "button main", href: "/integrations/new" }, "New integration");
  let drawn = "";
  fill(main,
    h("div", { class: "head" }, h("h1", null, "Integrations"),
      mayChange ? h("p", { class: "buttons" }, add()) : null),
    away, place);

  async function load(signal) {
    const { items } = await api.get("/integrations?limit=1000", { signal });
    const now = JSON.stringify(items);
    if (now === drawn) return;
    drawn = now;
    fill(place, items.length > 0 ? table(items, signal) : empty("No integration yet",
      h("p", null, "An integration says which edits go to which URL: to a chat, to your own service."),
      mayChange ? h("p", null, add()) : null));
  }
  return { title: "Integrations", leave: poll(load, 5, serverAway(away)) };
}

/** How the newest messages went, asked for row by row, so that the list itself is there at once. */
function lately(found, signal) {
  const cells = [h("td", { class: "tight" }), h("td", { class: "tight" }), h("td")];
  api.get(`/integrations/${found.id}/stats`, { signal }).then((stats) => {
    const [strip, rate, error] = cells;
    fill(strip, stripOf(stats.last));
    const percent = stats.success_rate === null ? "–" : `${Math.round(stats.success_rate * 1000) / 10} %`;
    fill(rate, percent, stats.p50_ms === null ? null : h("span", { class: "below" }, `${stats.p50_ms} / ${stats.p95_ms} ms`));
    fill(error, stats.last_error ? [time(found.last_error_at), h("span", { class: "below" }, stats.last_error)] : h("span", { class: "quiet" }, "–"));
  }, () => {});
  return cells;
}

/** The newest last, as one reads. */
function stripOf(states) {
  if (states.length === 0) return h("span", { class: "quiet" }, "–");
  const count = (name) => states.filter((state) => state === name).length;
  const label = `Of the last ${states.length}: ${count("delivered")} delivered, ${count("failed")} failed`;
  const signs = { delivered: "✓", failed: "✕" };
  return h("span", { class: "strip", role: "img", "aria-label": label, title: label }, states.toReversed().map((state) =>
    h("span", { class: signs[state] ? state : "other" }, signs[state] ?? "·")));
}

function table(items, signal) {
  const head = ["State", "Name", "Level", "Sends", "Last delivery", "Last 20", "Good", "Last error", "Log"];
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Integrations" }, h("table", null,
    h("thead", null, h("tr", null, head.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", null, items.map((found) => h("tr", null,
      h("td", { class: "tight" }, state(found.status)),
      h("td", { class: "main" }, h("a", { href: `/integrations/${found.id}` }, found.name),
        h("span", { class: "below" }, found.hook_url),
        found.validate_certificate ? null : h("span", { class: "below state failing" }, "▲ certificate is not checked")),
      h("td", null, found.workspace_id ? `workspace ${found.workspace_id}` : "account"),
      h("td", null, found.collation, h("span", { class: "below" }, `as ${found.format}`)),
      h("td", { class: "tight" }, time(found.last_delivery_at)),
      lately(found, signal),
      h("td", { class: "tight" }, h("a", { href: `/${query({ integration: found.id })}` }, "Log messages")))))));
}

export function integrationPage(main, { me, parameters: [id] }) {
  const place = h("div");
  fill(main, place);
  const isNew = id === "new";
  const mayChange = me.roles.some((role) => role === "admin" || role === "owner");

  async function draw(secret = null) {
    const { answer, etag } = isNew
      ? { answer: null, etag: null }
      : await api.getWithEtag(`/integrations/${encodeURIComponent(id)}`);
    const again = (shown) => draw(shown).catch(failed);
    fill(place,
      h("div", { class: "head" },
        h("h1", null, isNew ? "New integration" : answer.name),
        isNew ? null : state(answer.status),
        isNew || !mayChange ? null : integrationActions(answer, again)),
      secret ? secretCard(secret) : null,
      answer?.disabled_because ? h("p", { class: "away" }, BECAUSE[answer.disabled_because]) : null,
      isNew ? null : h("p", null, h("a", { href: `/${query({ integration: id })}` }, "Log messages")),
      answer?.kind === "record" ? integrationLinks(answer) : null,
      integrationForm(answer, { me, mayChange, etag, saved: (made) => afterSaving(made, isNew, again) }));
  }

  function failed(problem) {
    fill(place, h("h1", { class: "unseen" }, "Integration"), empty("The integration cannot be shown", h("p", null, problem.message)));
  }
  draw(takeFreshSecret()).catch(failed);
  return { title: isNew ? "New integration" : "Integration" };
}

const BECAUSE = {
  gone: "Disabled by Lull: the hook answered 410 Gone. Enable it again when that was a mistake.",
  failing: "Disabled by Lull: nothing but failures for five days. What is owed is held, and goes on when it is enabled.",
};
