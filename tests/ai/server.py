"""A server that speaks as OpenAI's does, with the scripted model: chat completions, whole or in parts, embeddings."""

import base64
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any

from tests.ai.scripts import answer, embed

Json = dict[str, Any]
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.endswith("/sse"):
            return self._stream()
        self._send({"path": self.path, "weather": "sunny"}, 405 if self.path.endswith("/mcp") else 200)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
        self.server.asked.append((self.path, asked))  # type: ignore[attr-defined]
        if "/messages?" in self.path:
            if "id" in asked:
                self.server.streams[self.path.rpartition("=")[2]].put(_mcp(asked))  # type: ignore[attr-defined]
            return self._write(b"Accepted", "text/plain", 202)
        if self.path.endswith("/mcp"):
            return self._send(_mcp(asked)) if "id" in asked else self._write(b"", "application/json", 202)
        if self.path.endswith("/embeddings"):
            return self._send(_embeddings(asked))
        said = answer(asked["model"], asked["messages"])
        if said is None:
            about = {"type": "invalid_request_error", "code": "model_not_found"}
            return self._send({"error": {"message": f"The model `{asked['model']}` does not exist", **about}}, 404)
        if asked.get("stream"):
            return self._write(b"".join(_parts(asked["model"], said)), "text/event-stream")
        reason = "tool_calls" if said.get("tool_calls") else "stop"
        choice = {"index": 0, "message": said, "finish_reason": reason}
        return self._send({**_head(asked["model"]), "object": "chat.completion", "choices": [choice], "usage": USAGE})

    def _stream(self) -> None:
        """An MCP server's events, the older way: where to send messages, and then the answers to them."""
        answers: SimpleQueue[Json | None] = SimpleQueue()
        streams = self.server.streams  # type: ignore[attr-defined]
        session = str(len(streams))
        streams[session] = answers
        self.close_connection = True
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(f"event: endpoint\ndata: /messages?session={session}\n\n".encode())
        while (said := answers.get()) is not None:
            self.wfile.write(b"event: message\n" + _event(said))

    def _send(self, body: Json, status: int = 200) -> None:
        self._write(json.dumps(body).encode(), "application/json", status)

    def _write(self, data: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _mcp(asked: Json) -> Json:
    """What an MCP server with one tool answers."""
    given = asked.get("params") or {}
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    said = f"about {(given.get('arguments') or {}).get('city')}"
    results: dict[str, Json] = {
        "initialize": {
            "protocolVersion": given.get("protocolVersion"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "scripted", "version": "1"},
        },
        "tools/list": {"tools": [{"name": "Lookup", "description": "Looks up", "inputSchema": schema}]},
        "tools/call": {"content": [{"type": "text", "text": said}]},
    }
    return {"jsonrpc": "2.0", "id": asked["id"], "result": results.get(asked["method"], {})}


def _head(model: str) -> Json:
    return {"id": "chatcmpl-1", "created": 1_700_000_000, "model": model}


def _parts(model: str, said: Json) -> Iterator[bytes]:
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    if said["content"]:
        deltas += [{"content": word} for word in said["content"].replace(" ", "\0 ").split("\0")]
    deltas += [{"tool_calls": [{"index": place, **call}]} for place, call in enumerate(said.get("tool_calls") or [])]
    reason = "tool_calls" if said.get("tool_calls") else "stop"
    choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices.append([{"index": 0, "delta": {}, "finish_reason": reason}])
    for choice in choices:
        yield _event({**_head(model), "object": "chat.completion.chunk", "choices": choice})
    yield _event({**_head(model), "object": "chat.completion.chunk", "choices": [], "usage": USAGE})
    yield b"data: [DONE]\n\n"


def _event(body: Json) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


def _embeddings(asked: Json) -> Json:
    texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
    vectors: list[Any] = [embed(text) for text in texts]
    if asked.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack("<4f", *vector)).decode() for vector in vectors]
    data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)]
    return {"object": "list", "model": asked["model"], "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


@contextmanager
def running() -> Iterator[tuple[str, list[tuple[str, Json]]]]:
    """The address of the server while it runs, and what it is asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.asked, server.streams = [], {}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.asked  # type: ignore[attr-defined]
    finally:
        for answers in server.streams.values():  # type: ignore[attr-defined]
            answers.put(None)
        server.shutdown()
        server.server_close()
        thread.join()
