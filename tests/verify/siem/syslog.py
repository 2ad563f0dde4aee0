"""RFC 5424: reads each line back with syslog-rfc5424-parser. syslog.py FILE.

Not the lines that have an escaped backslash at the end of a value: that parser takes the quote after it
for an escaped one. `tests/it/siem.rs` reads all of them with another.
"""
import json
import re

from syslog_rfc5424_parser import SyslogMessage

from said import cases, lines, one_line, same

LOG_AUDIT = 13
count = 0
CUT = "characters in all)"

for case in cases():
    name = case["name"]
    for line, said in lines(case):
        if '\\\\"' in line:
            continue
        count += 1
        read = SyslogMessage.parse(line)
        grave = min(said["severity"], 9)
        severity = next(level for top, level in [(1, 6), (3, 5), (6, 4), (8, 3), (9, 2)] if grave <= top)
        same("facility", name, int(read.facility), LOG_AUDIT)
        same("severity", name, int(read.severity), severity)
        same("app name", name, read.appname, "lull")
        same("time", name, read.timestamp, said["created_at"])
        graphic = re.sub("[^!-~]", "", said["action"])[:32]
        same("message id", name, read.msgid, graphic or "-")
        same("elements", name, list(read.sd), ["lull@32473"])
        data = {k: re.sub(r'\\(["\\\]])', r"\1", v) for k, v in read.sd["lull@32473"].items()}
        user, target = said["user"] or {}, said["target"] or {}
        wanted = {
            "id": said["id"],
            "action": said["action"],
            "outcome": said["outcome"],
            "severity": str(said["severity"]),
            "user_id": user.get("id"),
            "user_name": user.get("name"),
            "user_email": user.get("email"),
            "ip": said["ip"],
            "user_agent": said["user_agent"],
            "target_type": target.get("type"),
            "target_id": target.get("id"),
            "target_name": target.get("name"),
            "hash": said["hash"],
        }
        for key, text in wanted.items():
            got = data.get(key)
            if got is None or not got.endswith(CUT):
                same(key, name, got, None if text is None else one_line(text))
        details = data.get("details", "{}")
        if not details.endswith(CUT):
            expected = json.loads(one_line(json.dumps(said["details"], ensure_ascii=False)))
            same("details", name, json.loads(details), expected)
        if said["description"] and not read.msg.endswith(CUT):
            same("message", name, read.msg, one_line(said["description"]).strip())
assert count > 300, count
