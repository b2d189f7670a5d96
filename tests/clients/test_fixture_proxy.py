"""The fixture proxy changes what its list says in requests, and nothing in answers."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fixture_proxy import SUBSTITUTIONS, Message, Proxy, Upstream

FIXED = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
OTHER = "0190b6c2-6f0e-7d11-9a55-3f2a7f1d0c01"


class Stub(BaseHTTPRequestHandler):
    """Remembers requests; answers a create as the API does, and everything else oddly."""

    protocol_version = "HTTP/1.1"
    seen: list[Message] = []

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append(Message(self.command, self.path, [], dict(self.headers.items()), body))
        created = self.command == "POST" and self.path == "/base/v1/customers"
        status, answer = (201, json.dumps({"data": {"id": OTHER}}).encode()) if created else (418, b'{"odd" :  1}\n')
        self.send_response_only(status, "Odd")
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Odd", "kept")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def proxy():
    Stub.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    with Proxy(Upstream(f"http://127.0.0.1:{server.server_address[1]}/base", lambda: "real.token")) as running:
        yield running
    server.shutdown()
    server.server_close()


def send(proxy: Proxy, method: str, path: str, body: bytes = b"", **headers: str):
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"))
    connection.request(method, path, body, {"Authorization": "Bearer My API Key", **headers})
    response = connection.getresponse()
    answer = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return answer


def test_an_answer_is_passed_on_as_it_is(proxy: Proxy) -> None:
    status, headers, body = send(proxy, "GET", "/v1/customers/" + OTHER)
    assert (status, body) == (418, b'{"odd" :  1}\n')
    assert (headers["X-Odd"], headers["Content-Type"]) == ("kept", "application/json")
    assert "Server" not in headers, "the proxy adds nothing of its own"


def test_what_needs_no_stand_in_stays(proxy: Proxy) -> None:
    send(proxy, "GET", f"/v1/customers/{OTHER}?status=pending%2Creview&page_number=2", **{"Request-Id": "r", "Idempotency-Key": "another-key-1"})
    [seen] = Stub.seen
    assert seen.path == f"/base/v1/customers/{OTHER}?status=pending%2Creview&page_number=2"
    assert (seen.header("Request-Id"), seen.header("Idempotency-Key")) == ("r", "another-key-1")
    assert seen.header("Authorization") == "Bearer real.token"
    assert set(proxy.fixtures.counts) == {"token"}


@pytest.mark.parametrize("method, tail, body, config", [
    ("GET", "", {}, {"sandbox_outcome": "verified"}),
    ("DELETE", "", {}, {"sandbox_outcome": "verified"}),
    ("PUT", "", {"status": "verified"}, {"sandbox_outcome": "verified"}),
    ("PUT", "", {"status": "pending"}, {"processing_method": "skip"}),
    ("PATCH", "/review", {"status": "verified"}, {"sandbox_outcome": "review"}),
])
def test_a_fixed_id_becomes_a_customer_of_the_same_account_in_the_needed_state(
        proxy: Proxy, method: str, tail: str, body: dict, config: dict) -> None:
    send(proxy, method, f"/v1/customers/{FIXED}{tail}", json.dumps(body).encode() if body else b"", **{"Straddle-Account-Id": FIXED})
    made, asked = Stub.seen
    assert json.loads(made.body)["config"] == config
    assert (made.header("Straddle-Account-Id"), asked.header("Straddle-Account-Id")) == (FIXED, FIXED)
    assert asked.path == f"/base/v1/customers/{OTHER}{tail}"


def test_keys_and_addresses_are_never_used_twice(proxy: Proxy) -> None:
    for _ in range(2):
        body = json.dumps({"email": "ron.swanson@pawnee.com", "name": "", "phone": "", "external_id": "", "metadata": {}}).encode()
        send(proxy, "PUT", "/v1/customers/" + OTHER, body, **{"Idempotency-Key": "idempotency_key"})
    bodies = [json.loads(seen.body) for seen in Stub.seen]
    assert len({body["email"] for body in bodies}) == 2
    assert all(body["email"].startswith("ron.swanson+") and body["name"] and body["phone"] for body in bodies)
    # What the server takes as it is.
    assert all((body["external_id"], body["metadata"]) == ("", {}) for body in bodies)
    keys = {seen.header("Idempotency-Key") for seen in Stub.seen}
    assert len(keys) == 2 and all(10 <= len(key) <= 40 for key in keys)


def test_page_zero_becomes_the_first(proxy: Proxy) -> None:
    send(proxy, "GET", "/v1/customers?page_number=0&page_size=0&name=0")
    assert Stub.seen[0].path == "/base/v1/customers?page_number=1&page_size=100&name=0"
    assert set(proxy.fixtures.counts) <= set(SUBSTITUTIONS)
