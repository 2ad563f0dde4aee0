"""Datadog: makes of each log the model that Datadog's own client has of one, which checks the types of
what it knows, and has that client write it again. datadog.py FILE."""
import json
import sys
from datetime import datetime

from datadog_api_client.exceptions import ApiTypeError
from datadog_api_client.model_utils import data_to_dict
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem

from said import address, cases, same

STATUSES = {"info", "notice", "warning", "error", "critical"}

for case in cases():
    name, body = case["name"], case["body"]
    ours = json.loads(body)
    logs = HTTPLog([HTTPLogItem(**log) for log in ours])
    again = data_to_dict(logs)
    # The client writes a time in another way; it is the same time.
    for log in again + ours:
        log["timestamp"] = datetime.fromisoformat(log["timestamp"])
    same("what the client would send", name, again, ours)
    same("logs", name, len(logs.value), len(case["events"]))
    assert len(body.encode()) <= 5_000_000 and len(logs.value) <= 1_000, name
    # It can fail.
    for broken in [{**ours[0], "service": 1}, {k: v for k, v in ours[0].items() if k != "message"}]:
        try:
            HTTPLogItem(**broken)
            sys.exit(f"not refused: {broken}")
        except (ApiTypeError, TypeError):
            pass
    for log, said in zip(json.loads(body), case["events"]):
        assert len(json.dumps(log).encode()) <= 1_048_576, name
        assert log["status"] in STATUSES, name
        same("time", name, log["timestamp"], said["created_at"])
        datetime.fromisoformat(log["timestamp"])
        same("the event", name, log["lull"], said)
        same("evt.name", name, log["evt"]["name"], said["action"])
        same("usr.id", name, log.get("usr", {}).get("id"), (said["user"] or {}).get("id"))
        ip = log.get("network", {}).get("client", {}).get("ip")
        same("network.client.ip", name, ip, address(said["ip"]))
