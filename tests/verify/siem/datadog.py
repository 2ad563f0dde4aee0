"""Datadog: reads each body as the model of logs that Datadog's own client has, with types checked, and
has that client write it again. datadog.py FILE."""
import json
from datetime import datetime

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.model_utils import data_to_dict
from datadog_api_client.v2.model.http_log import HTTPLog

from said import address, cases, same

STATUSES = {"info", "notice", "warning", "error", "critical"}
client = ApiClient(Configuration())

for case in cases():
    name, body = case["name"], case["body"]
    logs = client.deserialize(body, (HTTPLog,), check_type=True)
    again, ours = data_to_dict(logs), json.loads(body)
    # The client writes a time in another way; it is the same time.
    for log in again + ours:
        log["timestamp"] = datetime.fromisoformat(log["timestamp"])
    same("what the client would send", name, again, ours)
    same("logs", name, len(logs.value), len(case["events"]))
    assert len(body.encode()) <= 5_000_000 and len(logs.value) <= 1_000, name
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
