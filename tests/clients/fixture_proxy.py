"""Stands between the vendor's own test suites and the deployed bundle, because those were written for a dumb mock.

A mock answers anything to a fixed id, a used key and an empty name. This server does not; so the proxy makes requests
real before they reach it: every substitution is one entry of `SUBSTITUTIONS`, is counted, and is about the request
alone. Invariant: an answer is passed on byte for byte, status and headers included, whatever it is.
"""

import collections
import http.client
import json
import re
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What each substitution is and why it is needed (contract notes, section 8.3). Nothing else is ever changed.
SUBSTITUTIONS = {
    "token": "the suites send a placeholder; a token of the partner takes its place",
    "id": "a fixed id; a customer made for this call, in the account and the state that the call needs, takes its place",
    "key": "one idempotency key for every different write; a key of its own for each call",
    "email": "one e-mail address for every customer; an address of its own for each call",
    "name": "an empty name is refused; a name",
    "phone": "an empty phone is refused; a number",
    "page_number": "pages begin at 1; 0 becomes 1",
    "page_size": "a page has at least 1 entry; 0 becomes 100",
}

FIXED_IDS = {"7c9e6679-7425-40de-944b-e07fc1f90ae7", "182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e"}
FIXED_KEYS = {"idempotency_key", "xxxxxxxxxx"}
_ONE = re.compile(r"^/v1/customers/([0-9a-f-]{36})(/\w+)?$")
# What belongs to one connection and not to the message (RFC 9110, section 7.6.1).
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}


@dataclass
class Message:
    """A request on its way."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers.items() if known.lower() == name.lower()), None)

    def set_header(self, name: str, value: str) -> None:
        known = next((known for known in self.headers if known.lower() == name.lower()), name)
        self.headers[known] = value


@dataclass
class Upstream:
    """The deployed API: where it is, and a token for it, fetched anew before it expires."""

    base_url: str
    fresh_token: Callable[[], str]
    renew_after_seconds: float = 600
    _token: str = ""
    _fetched: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def token(self) -> str:
        with self._lock:
            if not self._token or time.monotonic() - self._fetched > self.renew_after_seconds:
                self._token, self._fetched = self.fresh_token(), time.monotonic()
            return self._token

    def send(self, message: Message) -> tuple[int, list[tuple[str, str]], bytes]:
        base = urllib.parse.urlsplit(self.base_url)
        target = base.path.rstrip("/") + message.path
        if message.query:
            target += "?" + urllib.parse.urlencode(message.query)
        headers = {name: value for name, value in message.headers.items() if name.lower() not in _HOP_BY_HOP}
        headers = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length", "accept-encoding")}
        connection = http.client.HTTPConnection(base.hostname, base.port, timeout=60)
        try:
            connection.request(message.method, target, body=message.body, headers=headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()


def needed_config(asked: Message) -> dict:
    """How the customer of a call must have been made: a decision needs one in review, and an update repeats the status."""
    if asked.method == "PATCH":
        return {"sandbox_outcome": "review"}
    if asked.method == "PUT" and asked.body and json.loads(asked.body).get("status") == "pending":
        return {"processing_method": "skip"}
    return {"sandbox_outcome": "verified"}


class Fixtures:
    """Makes a request real."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.counts: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()

    def prepare(self, message: Message) -> Message:
        self._did("token")
        message.set_header("Authorization", f"Bearer {self.upstream.token()}")
        if message.header("Idempotency-Key") in FIXED_KEYS:
            self._did("key")
            message.set_header("Idempotency-Key", uuid.uuid4().hex)
        if (found := _ONE.match(message.path)) and found[1] in FIXED_IDS:
            self._did("id")
            made = self._customer(message, needed_config(message))
            message.path = message.path.replace(found[1], made)
        message.query = [self._query(name, value) for name, value in message.query]
        if message.method in ("POST", "PUT") and message.body:
            message.body = self._body(message.body)
        return message

    def _did(self, substitution: str) -> None:
        assert substitution in SUBSTITUTIONS, substitution
        with self._lock:
            self.counts[substitution] += 1

    def _query(self, name: str, value: str) -> tuple[str, str]:
        stand_in = {"page_number": "1", "page_size": "100"}.get(name)
        if stand_in and value == "0":
            self._did(name)
            return name, stand_in
        return name, value

    def _body(self, body: bytes) -> bytes:
        document = json.loads(body)
        if "email" in document:
            self._did("email")
            local, _, domain = document["email"].partition("@")
            document["email"] = f"{local}+{uuid.uuid4().hex[:12]}@{domain}"
        for name, stand_in in (("name", "Ron Swanson"), ("phone", "+12128675309")):
            if document.get(name) == "":
                self._did(name)
                document[name] = stand_in
        return json.dumps(document).encode()

    def _customer(self, asked: Message, config: dict) -> str:
        document = {
            "name": "Ron Swanson",
            "type": "individual",
            "email": f"ron.swanson+{uuid.uuid4().hex}@pawnee.com",
            "phone": "+12128675309",
            "device": {"ip_address": "192.168.1.1"},
            "compliance_profile": {"ssn": "123-45-6789", "dob": "1969-04-20"},
            "config": config,
        }
        headers = {"Authorization": f"Bearer {self.upstream.token()}", "Content-Type": "application/json"}
        if account := asked.header("Straddle-Account-Id"):
            headers["Straddle-Account-Id"] = account
        status, _, body = self.upstream.send(Message("POST", "/v1/customers", [], headers, json.dumps(document).encode()))
        if status != 201:
            raise FixtureRefused(f"making a customer for {asked.method} {asked.path} answered {status}: {body[:500]!r}")
        return json.loads(body)["data"]["id"]


class FixtureRefused(Exception):
    """The server did not take the customer that a call needs."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        fixtures = self.server.fixtures
        split = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = urllib.parse.parse_qsl(split.query, keep_blank_values=True)
        message = Message(self.command, split.path, query, dict(self.headers.items()), body)
        try:
            status, headers, answer = fixtures.upstream.send(fixtures.prepare(message))
        except (FixtureRefused, OSError) as refusal:
            # Not an answer of the server: say whose it is.
            self.server.failures.append(str(refusal))
            status, headers, answer = 599, [("Content-Type", "text/plain")], f"fixture proxy: {refusal}".encode()
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP and name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, *_) -> None:
        """The suites say what they saw."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Proxy:
    """The proxy as a server on the loopback address. Use it as a context manager."""

    def __init__(self, upstream: Upstream) -> None:
        self.fixtures = Fixtures(upstream)
        self.failures: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fixtures = self.fixtures
        self._server.failures = self.failures
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
