"""CEF: reads each line back with cefp, and the plain ones with pycef as well. cef.py FILE."""
import json

import cefp
import pycef

from said import address, cases, lines, one_line, same

CUT = "characters in all)"


def value(text):
    """A value as it can be read back: what ends a line is kept, white space around it is not."""
    return one_line(text or "", keep="\n\r").strip()


for case in cases():
    name = case["name"]
    for line, said in lines(case):
        read = cefp.parse(line)
        device, fields = read["device"], read["extension"]
        same("vendor, product", name, (device["vendor"], device["product"]), ("Lull", "Lull"))
        same("signature", name, device["event_class_id"], one_line(said["action"]).strip())
        same("severity", name, read["severity"], str(said["severity"]))
        user, target = said["user"] or {}, said["target"] or {}
        wanted = {
            "externalId": said["id"],
            "outcome": said["outcome"],
            "suid": user.get("id"),
            "suser": user and (user["name"] or user["email"] or user["id"]),
            "requestClientApplication": said["user_agent"],
            "cs1": target.get("type"),
            "cs2": target.get("id"),
            "cs3": target.get("name"),
            "cs5": said["hash"],
            "cs6": user.get("email"),
        }
        if said["description"]:
            wanted["msg"] = said["description"]
        for key, text in wanted.items():
            got = fields.get(key, "")
            if not got.endswith(CUT):
                same(key, name, got, value(text))
        details = fields.get("cs4", "{}")
        if not details.endswith(CUT):
            # In JSON itself a control character is written out, but for those that need not be.
            expected = json.loads(one_line(json.dumps(said["details"], ensure_ascii=False)))
            same("details", name, json.loads(details), expected)
        got = fields.get("src") or fields.get("c6a2") or fields.get("shost", "")
        same("address", name, got, value(address(said["ip"]) or ""))
        for key in fields:
            if key.startswith("cs") and not key.endswith("Label"):
                assert fields[f"{key}Label"], f"{name}: {key} has no label"
        if "\\" not in line:
            plain = pycef.parse(line)
            same("pycef: Name", name, plain["Name"], read["name"])
            same("pycef: severity", name, plain["DeviceSeverity"], str(said["severity"]))
            same("pycef: externalId", name, plain["externalId"], fields["externalId"])
            same("pycef: targetId", name, plain.get("targetId"), target.get("id"))
