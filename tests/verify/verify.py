"""Verifies a delivery with a library that we did not write: verify.py FILE.

FILE is JSON: {"secrets": [...], "headers": {...}, "body": "..."}. Exits with 0 when every secret
verifies it and everything that is wrong with it is refused.
"""
import json
import sys
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from receive import receive

OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def refused(what, secret, headers, body):
    try:
        receive(secret, headers, body)
    except WebhookVerificationError:
        return
    sys.exit(f"not refused: {what}")


delivery = json.load(open(sys.argv[1], encoding="utf-8"))
headers, body = delivery["headers"], delivery["body"]
for secret in delivery["secrets"]:
    assert receive(secret, headers, body) == json.loads(body)["audit"]
    refused("a tampered body", secret, headers, body.replace("update", "create"))
    refused("another id", secret, {**headers, "webhook-id": "1"}, body)
    # Genuine, but more than five minutes ago.
    then = int(headers["webhook-timestamp"]) - 5 * 60 - 10
    at = datetime.fromtimestamp(then, tz=timezone.utc)
    signature = Webhook(secret).sign(headers["webhook-id"], at, body)
    stale = {**headers, "webhook-timestamp": str(then), "webhook-signature": signature}
    refused("a stale timestamp", secret, stale, body)
refused("a wrong secret", OTHER_SECRET, headers, body)
