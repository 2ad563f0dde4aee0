"""What schemathesis cannot know of the API."""

import os
import uuid

import schemathesis

OWN_TOKEN = os.environ["LULL_OWN_TOKEN"]


@schemathesis.hook
def before_call(ctx, case, kwargs):
    # An idempotency key is another for each call, which no schema can say. Keys that are too long or
    # empty on purpose stay so.
    for name in list(case.headers or {}):
        if name.lower() == "idempotency-key" and 1 <= len(str(case.headers[name])) <= 255:
            case.headers[name] = str(uuid.uuid4())
    # Its own token is the one thing that it must not revoke: every call after that would be refused.
    path = case.path_parameters or {}
    if case.operation.path.endswith("/tokens/{id}") and str(path.get("id")).lstrip("0") == OWN_TOKEN:
        path["id"] = "1"
