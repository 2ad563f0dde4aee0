"""OCSF: validates each event against the published schema of its class, by jsonschema. ocsf.py FILE.

The package ocsf-json-schema carries the schema as it was published, and makes JSON Schema of it: every
required attribute is there, none that the class does not have, types, patterns, enumerations, and of
"at least one of" each. What JSON Schema cannot say is looked up in the published schema itself: that a
name is the caption of its number.
"""
import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from said import address, cases, same

VERSION = "1.8.0"
published = get_ocsf_schema(VERSION)
schemas = OcsfJsonSchemaEmbedded(published)
validators = {}


def validator(uid):
    if uid not in validators:
        schema = schemas.get_class_schema(schemas.lookup_class_name_from_uid(uid))
        Draft202012Validator.check_schema(schema)
        validators[uid] = Draft202012Validator(schema)
    return validators[uid]


for case in cases():
    name, event, (said,) = case["name"], json.loads(case["body"]), case["events"]
    errors = list(validator(event["class_uid"]).iter_errors(event))
    if errors:
        sys.exit("\n".join(f"{name}: {list(e.absolute_path)}: {e.message[:500]}" for e in errors))
    ocsf_class = published["classes"][schemas.lookup_class_name_from_uid(event["class_uid"])]
    same("class_name", name, event["class_name"], ocsf_class["caption"])
    for number, text in [
        ("activity_id", "activity_name"),
        ("severity_id", "severity"),
        ("status_id", "status"),
    ]:
        if event[number] != 99:
            caption = ocsf_class["attributes"][number]["enum"][str(event[number])]["caption"]
            same(text, name, event[text], caption)
    same("type_uid", name, event["type_uid"], event["class_uid"] * 100 + event["activity_id"])
    same("metadata.version", name, event["metadata"]["version"], VERSION)
    same("metadata.uid", name, event["metadata"]["uid"], said["id"])
    same("status", name, event["status"].lower(), said["outcome"])
    endpoint = event.get("src_endpoint", {})
    same("address", name, endpoint.get("ip") or endpoint.get("name"), address(said["ip"]))
    same("details", name, event["unmapped"].get("details", {}), said["details"])
    # It can fail.
    without = {key: value for key, value in event.items() if key != "metadata"}
    for broken in [{**event, "time": "now"}, {**event, "more": 1}, without]:
        assert not validator(event["class_uid"]).is_valid(broken), name
