"""What schemathesis cannot know of the API."""

import uuid

import schemathesis


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """An idempotency key is another for each call, which no schema can say. Keys that are too long or
    empty on purpose stay so."""
    for name in list(case.headers or {}):
        if name.lower() == "idempotency-key" and 1 <= len(str(case.headers[name])) <= 255:
            case.headers[name] = str(uuid.uuid4())
