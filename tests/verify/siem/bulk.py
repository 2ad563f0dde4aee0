"""`_bulk`: Elasticsearch's own client reads each body, would send the very same, and makes of an answer
what Lull makes of it. bulk.py FILE.

A case may have an `answer`, and Lull's `verdict` of it.
"""
import json

from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders, NdjsonSerializer
from elastic_transport._node import NodeApiResponse
from elasticsearch import Elasticsearch, helpers

from said import cases, same

ndjson = NdjsonSerializer()


class Node(BaseNode):
    """In place of a connection: keeps what it is sent, and answers as it was told."""

    sent = None
    answer = None

    def perform_request(self, method, target, body=None, headers=None, request_timeout=None):
        Node.sent = (method, target, body, dict(headers))
        headers = {"x-elastic-product": "Elasticsearch", "content-type": "application/json"}
        meta = ApiResponseMeta(200, "1.1", HttpHeaders(headers), 0.0, self.config)
        return NodeApiResponse(meta, json.dumps(Node.answer).encode())

    def close(self):
        pass


client = Elasticsearch("http://siem.example.com:9200", node_class=Node, http_compress=False)

for case in cases():
    name, body = case["name"], case["body"]
    assert body.endswith("\n"), name
    read = ndjson.loads(body.encode())
    # The client splits lines at carriage returns as well; there must be none.
    same("lines", name, len(read), 2 * len(case["events"]))
    same("lines", name, body.count("\n"), len(read))
    pairs = list(zip(read[::2], read[1::2]))
    actions = [
        {"_op_type": what, **meta, "_source": source}
        for line, source in pairs
        for what, meta in line.items()
    ]
    done = [{"create": {"_index": "logs", "status": 201}} for _ in pairs]
    Node.answer = case.get("answer") or {"took": 1, "errors": False, "items": done}
    results = list(helpers.streaming_bulk(client, actions, index="logs", raise_on_error=False))
    method, target, sent, headers = Node.sent
    same("what the client would send", name, ndjson.loads(sent), read)
    assert "x-ndjson" in headers["content-type"], headers
    for (line, source), said in zip(pairs, case["events"]):
        same("id", name, line, {"create": {"_id": said["hash"]} if said["hash"] else {}})
        same("event.id", name, source["event"]["id"], said["id"])
    if "verdict" in case:
        bad = {at for at, (ok, _) in enumerate(results) if not ok}
        there = {at for at, (_, item) in enumerate(results) if item["create"]["status"] == 409}
        again, refused = set(case["verdict"]["again"]), set(case["verdict"]["refused"])
        assert again and refused and not again & refused, name
        same("events that were not taken", name, again | refused, bad - there)
        for at in again:
            status = results[at][1]["create"]["status"]
            assert status == 429 or status >= 500, (name, at, status)
