"""What was said, to compare with what is read back.

A FILE of cases is JSON: [{"name": …, "body": …, "events": […]}, …]; the events are in Lull's own shape.
"""
import ipaddress
import json
import sys
import unicodedata


def cases():
    with open(sys.argv[1], encoding="utf-8") as file:
        read = json.load(file)
    assert read, "no cases"
    return read


def lines(case):
    """The lines of a body, one for each of its events."""
    found = case["body"].split("\n")
    assert len(found) == len(case["events"]), case["name"]
    return zip(found, case["events"])


def one_line(text, keep=""):
    """The text as it can stand in a line: controls and what ends a line are spaces."""
    harmless = (
        " " if c not in keep and (unicodedata.category(c) in ("Cc", "Zl", "Zp")) else c for c in text
    )
    return "".join(harmless)


def address(text):
    """An address as it is written shortest, and one of IPv4 within IPv6 as the one it is; other text is
    left as it is."""
    try:
        ip = ipaddress.ip_address((text or "").strip())
    except ValueError:
        return text
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def same(what, name, got, wanted):
    if got != wanted:
        sys.exit(f"{name}: {what} is {got!r}, not {wanted!r}")
