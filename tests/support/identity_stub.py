"""An identity provider and an address service for tests: the small HTTP contract of docs/identity-review.md, on this machine.

What it says is set by the test; what it was asked is kept. Invariant: without the right key it answers 401 and nothing else.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    """One question."""

    path: str
    authorization: str | None
    body: dict


@dataclass
class IdentityStub:
    """Both services under one URL and one key."""

    key: str
    identity: dict = field(default_factory=dict)
    address: dict = field(default_factory=lambda: {"deliverability": "deliverable"})
    delay_seconds: float = 0.0
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> "IdentityStub":
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["content-length"]))
                stub.asked.append(Asked(self.path, self.headers["authorization"], json.loads(sent)))
                time.sleep(stub.delay_seconds)
                if self.headers["authorization"] != f"Bearer {stub.key}":
                    return self._answer(401, {})
                said = {"/identity": stub.identity, "/address": stub.address}.get(self.path)
                return self._answer(404, {}) if said is None else self._answer(200, said)

            def _answer(self, status: int, document: dict) -> None:
                body = json.dumps(document).encode()
                try:
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    # Whoever asked did not wait.
                    self.close_connection = True

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def said_of(self, path: str) -> Asked:
        """The latest question of one kind."""
        return next(asked for asked in reversed(self.asked) if asked.path == path)
