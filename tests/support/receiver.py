"""A partner's webhook receiver, good or bad, as a server on the loopback address.

Each endpoint is a path of its own that records every delivery and then behaves as told. Invariant: a delivery is
recorded before it is answered, so what a test counts is what reached the receiver, whatever became of the answer.
"""

import base64
import json
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .waiting import PATIENCE_SECONDS, wait_for

# Longer than any deadline of the sender, so that it is the sender who gives up.
_FOREVER_SECONDS = 60.0


@dataclass
class Delivery:
    """One request that reached an endpoint."""

    at: float
    headers: dict[str, str]
    raw: bytes
    method: str = "POST"

    @property
    def event(self) -> dict:
        return json.loads(self.raw)


Behaviour = Callable[["_Handler", "Endpoint"], None]


def answer(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Behaviour:
    def behave(handler: "_Handler", _: "Endpoint") -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first delivery meets the first behaviour and so on; the last one stays."""
    left = list(behaviours)
    lock = threading.Lock()

    def behave(handler: "_Handler", endpoint: "Endpoint") -> None:
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(handler, endpoint)

    return behave


def redirect(url: str, status: int = 302) -> Behaviour:
    return answer(status, headers={"Location": url})


def basic(username: str, password: str) -> Behaviour:
    """200 with exactly these credentials, 401 otherwise."""
    expected = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    def behave(handler: "_Handler", endpoint: "Endpoint") -> None:
        answer(200 if handler.headers.get("Authorization") == expected else 401)(handler, endpoint)

    return behave


def hang(handler: "_Handler", endpoint: "Endpoint") -> None:
    """Takes the request and never answers."""
    _sleep_while_connected(handler, endpoint, _FOREVER_SECONDS)
    handler.close_connection = True


def close_early(handler: "_Handler", _: "Endpoint") -> None:
    """Promises a body and closes in the middle of it."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this much")
    handler.wfile.flush()
    handler.close_connection = True


def close_at_once(handler: "_Handler", _: "Endpoint") -> None:
    """Resets the connection instead of answering."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True


def trickle(handler: "_Handler", endpoint: "Endpoint") -> None:
    """Answers one header byte a second and never comes to the end of the headers."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    deadline = time.monotonic() + _FOREVER_SECONDS
    try:
        while time.monotonic() < deadline and not endpoint.receiver.stopped.is_set():
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.5)
    except OSError:
        pass
    handler.close_connection = True


def flood(handler: "_Handler", endpoint: "Endpoint") -> None:
    """200 with a body that does not end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    deadline = time.monotonic() + _FOREVER_SECONDS
    try:
        while time.monotonic() < deadline and not endpoint.receiver.stopped.is_set():
            handler.wfile.write(chunk)
            endpoint.flooded += 0x10000
    except OSError:
        pass
    handler.close_connection = True


def not_http(handler: "_Handler", _: "Endpoint") -> None:
    """Answers something else than HTTP."""
    handler.wfile.write(b"220 mail.example ESMTP\r\n")
    handler.close_connection = True


def _sleep_while_connected(handler: "_Handler", endpoint: "Endpoint", seconds: float) -> None:
    """Ends when the sender gives up, so that no thread outlives its test."""
    deadline = time.monotonic() + seconds
    handler.connection.settimeout(0.2)
    while time.monotonic() < deadline and not endpoint.receiver.stopped.is_set():
        try:
            if handler.connection.recv(1) == b"":
                return
        except TimeoutError:
            continue
        except OSError:
            return


@dataclass
class Endpoint:
    """One callback URL."""

    receiver: "Receiver"
    path: str
    behaviour: Behaviour
    deliveries: list[Delivery] = field(default_factory=list)
    on_delivery: Callable[[Delivery], None] | None = None
    flooded: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}{self.path}"

    def events(self, customer: str | None = None, name: str | None = None) -> list[dict]:
        """The events that came, the pings left out, of one customer and name when given."""
        found = [delivery.event for delivery in list(self.deliveries)]
        return [
            event for event in found
            if not event.get("isPing")
            and (name is None or event["eventName"] == name)
            and (customer is None or any(f"/customers/{customer}" in resource for resource in event["resources"]))
        ]

    def ids(self) -> list[str]:
        return [delivery.event["id"] for delivery in list(self.deliveries)]

    def wait_for_events(self, count: int, customer: str | None = None, name: str | None = None,
                        seconds: float = PATIENCE_SECONDS) -> list[dict]:
        """Waits until at least `count` different events have come."""

        def probe() -> list[dict]:
            found = {event["id"]: event for event in self.events(customer, name)}
            return list(found.values()) if len(found) >= count else []

        what = f"{count} × {name or 'an event'} at {self.path}"
        return wait_for(what, probe, seconds)

    def wait_for_deliveries(self, count: int, seconds: float = PATIENCE_SECONDS) -> list[Delivery]:
        wait_for(f"{count} deliveries to {self.path} ({len(self.deliveries)} so far)",
                 lambda: len(self.deliveries) >= count, seconds)
        return list(self.deliveries)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        endpoint = self.server.receiver.endpoints.get(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if endpoint is None:
            answer(404)(self, None)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        delivery = Delivery(time.time(), headers, raw, self.command)
        endpoint.deliveries.append(delivery)
        if endpoint.on_delivery:
            endpoint.on_delivery(delivery)
        endpoint.behaviour(self, endpoint)

    do_POST = do_GET = do_PUT = do_DELETE = _handle

    def log_message(self, *_) -> None:
        """The tests say what they saw; a line per request would drown it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address) -> None:
        """A sender that gives up on a bad receiver breaks its connection; that is what these tests are about."""


class Receiver:
    """The server. Use it as a context manager."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def endpoint(self, behaviour: Behaviour = answer(200), name: str = "events") -> Endpoint:
        """A new callback URL."""
        made = Endpoint(self, f"/{name}/{uuid.uuid4().hex[:12]}", behaviour)
        self.endpoints[made.path] = made
        return made

    def unused_url(self) -> str:
        """A URL on which nobody listens."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{probe.getsockname()[1]}/gone"
