// What people do with an integration besides changing it.

import { api } from "/static/api.js";
import { announce, fill, h } from "/static/h.js";
import * as router from "/static/router.js";
import { fromInput, toInput, zoneName } from "/static/time.js";
import { isGood, requestPanel, responsePanel, said } from "/static/pages/attempt.js";
import { ask, button, copyButton, tell } from "/static/ui.js";

const DAY_MS = 86_400_000;

/** What comes of them, like a new secret, is shown in `place`, beside a form that may hold changes. */
export function integrationActions(found, place) {
  const path = `/integrations/${found.id}`;
  return h("p.buttons",
    button("Send a test", async () => {
      fill(place, h("p.card.quiet", "Waiting for the hook's answer…"));
      try {
        fill(place, testCard(await api.post(`${path}/test`)));
      } catch (problem) {
        fill(place);
        throw problem;
      }
    }),
    button("Recover…", async () => {
      let queued = null;
      const done = await ask("Redeliver all that failed", h("label.field",
        h("span", `Since (${zoneName()})`),
        h("input", { type: "datetime-local", name: "since", value: toInput(new Date(Date.now() - DAY_MS)), required: true })), "Redeliver",
      { act: async (data) => { queued = await api.post(`${path}/recover`, { since: fromInput(data.get("since")) }); } });
      if (done) tell(queued.queued === 0 ? "Nothing failed since then." : `${queued.queued} queued${queued.more ? "; there are more: do it again for those" : ""}.`);
    }),
    button("Rotate secret…", () => ask("Make a new secret?", h("p",
      "For 24 hours messages are signed with both, so that the receiver can change over without a gap."), "Rotate",
    { act: async () => fill(place, secretCard((await api.post(`${path}/rotate-secret`)).secret)) })),
    button("Delete…", async () => {
      const done = await ask(`Delete ${found.name}?`,
        h("p", "What is still owed to it is given up. Its messages stay in the log."), "Delete",
        { kind: "bad", act: () => api.delete(path) });
      if (!done) return;
      router.askBeforeLeaving(null);
      router.go("/integrations");
      tell("Deleted.");
    }, { class: "bad" }));
}

/** What came of a test: the attempt, whole. */
function testCard(attempt) {
  const good = isGood(attempt);
  const result = good ? `The hook answered ${attempt.response.code}.` : `The test failed: ${said(attempt)}`;
  announce(result);
  return h("section.card", { "aria-label": "Test" },
    h("p", h("b", { class: `state ${good ? "delivered" : "failed"}` }, `${good ? "✓" : "✕"} ${result}`), ` (${attempt.timing.total_ms} ms)`),
    h("details", h("summary", "Request"), requestPanel(attempt, attempt.body ?? null)),
    h("details", { open: !good }, h("summary", "Response"), responsePanel(attempt)));
}

/** The secret of an integration that was just made, kept until its page is there. */
let fresh = null;

export function afterSaving(made, isNew, again) {
  if (!isNew) {
    tell("Saved.");
    return again();
  }
  fresh = made.secret;
  router.go(`/integrations/${made.id}`);
  tell("Made.");
  return null;
}

export function takeFreshSecret() {
  const secret = fresh;
  fresh = null;
  return secret;
}

export function secretCard(secret) {
  return h("section.card", { "aria-label": "Signing secret" },
    h("p", h("b", "The signing secret, shown this once."), " Receivers verify with it that a message is from here."),
    h("p.secret", h("code.mono", secret), copyButton(secret)));
}
