// What people do with an integration besides changing it.

import { api } from "/static/api.js";
import { h } from "/static/h.js";
import * as router from "/static/router.js";
import { ask, button, copyButton, tell } from "/static/ui.js";

export function integrationActions(found, again) {
  const path = `/integrations/${found.id}`;
  return h("p", { class: "buttons" },
    button("Send a test", async () => {
      const attempt = await api.post(`${path}/test`);
      const good = attempt.response && attempt.response.code >= 200 && attempt.response.code < 300;
      const said = good ? `The hook answered ${attempt.response.code}.` : attempt.error ?? attempt.reason;
      tell(`${said} (${attempt.timing.total_ms} ms)`, good ? "good" : "bad");
    }),
    button("Recover…", async () => {
      const since = new Date(Date.now() - 86_400_000).toISOString().slice(0, 19) + "Z";
      const data = await ask("Redeliver all that failed", h("label", { class: "field" },
        h("span", null, "Since (UTC)"), h("input", { type: "text", name: "since", value: since, required: true })), "Redeliver");
      if (!data) return;
      const { queued, more } = await api.post(`${path}/recover`, { since: data.get("since") });
      tell(`${queued} queued${more ? "; there are more: do it again for those" : ""}.`);
    }),
    button("Rotate secret…", async () => {
      const data = await ask("Make a new secret?", h("p", null,
        "For 24 hours messages are signed with both, so that the receiver can change over without a gap."), "Rotate");
      if (!data) return;
      const { secret } = await api.post(`${path}/rotate-secret`);
      await again(secret);
    }),
    button("Delete…", async () => {
      const data = await ask(`Delete ${found.name}?`,
        h("p", null, "What is still owed to it is given up. Its messages stay in the log."), "Delete", "bad");
      if (!data) return;
      await api.delete(path);
      router.askBeforeLeaving(null);
      router.go("/integrations");
      tell("Deleted.");
    }, { class: "bad" }));
}

/** The secret of an integration that was just made, kept until its page is there. */
let fresh = null;

export function afterSaving(made, isNew, again) {
  if (!isNew) {
    tell("Saved.");
    return again(null);
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
  return h("section", { class: "card", "aria-label": "Signing secret" },
    h("p", null, h("b", null, "The signing secret, shown this once."), " Receivers verify with it that a message is from here."),
    h("p", { class: "secret" }, h("code", { class: "mono" }, secret), copyButton(secret)));
}
