"""Runs of nodes, as tests of the console give them to executions."""

import base64

ITEM = {
    "json": {"text": "<script>alert(1)</script>"},
    "binary": {"data": {"fileName": "x\r\n.html", "mimeType": "text/html"}},
}
ITEM["binary"]["data"]["data"] = base64.b64encode(b"<script>").decode()


def run(items, error=None, source=None):
    made = {"startTime": 1, "executionTime": 2, "executionStatus": "error" if error else "success", "executionIndex": 0}
    made["source"] = [{"previousNode": source}] if source else []
    return {**made, "error": {"message": error, "name": "Error"}} if error else {**made, "data": {"main": [items]}}
