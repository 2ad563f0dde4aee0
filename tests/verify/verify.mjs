// Verifies a delivery with a library that we did not write: verify.mjs FILE.
//
// FILE is JSON: {"secrets": [...], "headers": {...}, "body": "..."}. Exits with 0 when every secret
// verifies it and everything that is wrong with it is refused.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { receive } from "./receive.mjs";

const OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

const { secrets, headers, body } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const refused = (what, secret, headers, body) =>
  assert.throws(() => receive(secret, headers, body), WebhookVerificationError, `not refused: ${what}`);

for (const secret of secrets) {
  assert.deepEqual(receive(secret, headers, body), JSON.parse(body).audit);
  refused("a tampered body", secret, headers, body.replace("update", "create"));
  refused("another id", secret, { ...headers, "webhook-id": "1" }, body);
  // Genuine, but more than five minutes ago.
  const then = Number(headers["webhook-timestamp"]) - 5 * 60 - 10;
  const signature = new Webhook(secret).sign(headers["webhook-id"], new Date(then * 1000), body);
  const stale = { ...headers, "webhook-timestamp": String(then), "webhook-signature": signature };
  refused("a stale timestamp", secret, stale, body);
}
refused("a wrong secret", OTHER_SECRET, headers, body);
