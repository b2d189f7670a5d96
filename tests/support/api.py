"""A client of the API that hides nothing: it sends exactly what a test says and shows exactly what came back."""

import base64
import http.client
import json
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field

AUDIENCE = "https://api.crbcos.com/"
# The API's own limit is 29 s.
_TIMEOUT_SECONDS = 35


@dataclass
class Answer:
    """What came back, and for what."""

    request: str
    status: int
    headers: dict[str, str]
    text: str
    seconds: float = 0.0

    def json(self):
        try:
            return json.loads(self.text)
        except json.JSONDecodeError:
            raise AssertionError(f"{self.request} answered {self.status} without JSON: {self.text[:500]!r}") from None

    def expect(self, status: int):
        """The body, when the status is the expected one."""
        assert self.status == status, f"{self.request} answered {self.status}, expected {status}: {self.text[:1500]}"
        return self.json() if self.text else None

    def errors(self, status: int = 400) -> list[tuple[int, str]]:
        """Code and message of each error of the contract's envelope."""
        body = self.expect(status)
        # What API Gateway answers by itself is right in two contracts at once.
        shapes = ({"Errors"}, {"Errors", "meta", "response_type", "error"})
        assert isinstance(body, dict) and set(body) in shapes and body["Errors"], f"{self.request}: {self.text[:500]}"
        for error in body["Errors"]:
            assert set(error) == {"Code", "Message"}, f"{self.request}: {error}"
        return [(error["Code"], error["Message"]) for error in body["Errors"]]

    def codes(self, status: int = 400) -> list[int]:
        return [code for code, _ in self.errors(status)]

    def error(self, status: int = 400) -> int:
        """The code of the only error."""
        found = self.errors(status)
        assert len(found) == 1, f"{self.request} answered {len(found)} errors, expected one: {found}"
        return found[0][0]


@dataclass
class Call:
    """What is about to be sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None


Observer = Callable[[Call, Answer], None]


@dataclass
class Api:
    """The API under one base URL, with or without a token."""

    base_url: str
    token: str | None = None
    observe: Observer | None = field(default=None, repr=False)

    def with_token(self, token: str | None) -> "Api":
        return Api(self.base_url, token, self.observe)

    def send(self, method: str, path: str, *, body: bytes | str | None = None, headers: dict[str, str] | None = None,
             query: dict | list | None = None) -> Answer:
        """Sends exactly this; an `Authorization` of None in `headers` leaves the token away."""
        base = urllib.parse.urlsplit(self.base_url)
        target = base.path.rstrip("/") + path
        if query:
            target += "?" + urllib.parse.urlencode(query)
        sent = {"Accept": "application/json"}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        raw = body.encode() if isinstance(body, str) else body
        if raw is None and method in ("POST", "PUT", "PATCH"):
            raw = b""
        connection = http.client.HTTPConnection(base.hostname, base.port, timeout=_TIMEOUT_SECONDS)
        begun = time.monotonic()
        try:
            connection.request(method, target, body=raw, headers=sent)
            response = connection.getresponse()
            text = response.read().decode()
            received = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(f"{method} {path}", response.status, received, text, time.monotonic() - begun)
        finally:
            connection.close()
        if self.observe:
            shown = target.removeprefix(base.path.rstrip("/"))
            self.observe(Call(method, shown, sent, raw), answer)
        return answer

    def _with_json(self, method: str, path: str, document, headers: dict[str, str] | None) -> Answer:
        body = None if document is None else json.dumps(document)
        return self.send(method, path, body=body, headers={"Content-Type": "application/json", **(headers or {})})

    def get(self, path: str, query: dict | list | None = None, **headers: str) -> Answer:
        return self.send("GET", path, query=query, headers=headers)

    def post(self, path: str, document=None, *, key: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        return self._with_json("POST", path, document, {**({"Idempotency-Key": key} if key else {}), **(headers or {})})

    def put(self, path: str, document=None, *, key: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        return self._with_json("PUT", path, document, {**({"Idempotency-Key": key} if key else {}), **(headers or {})})

    def patch(self, path: str, document=None, *, key: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        return self._with_json("PATCH", path, document, {**({"Idempotency-Key": key} if key else {}), **(headers or {})})

    def delete(self, path: str, **headers: str) -> Answer:
        return self.send("DELETE", path, headers=headers)

    def ask_for_token(self, form: dict | list | str, *, basic: tuple[str, str] | None = None,
                      headers: dict[str, str] | None = None, query: dict | None = None) -> Answer:
        """`POST /connect/token` with this form."""
        body = form if isinstance(form, str) else urllib.parse.urlencode(form)
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": None}
        if basic:
            pair = ":".join(urllib.parse.quote_plus(part) for part in basic)
            sent["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        sent.update(headers or {})
        return self.send("POST", "/connect/token", body=body, headers=sent, query=query)

    def authenticate(self, client_id: str, client_secret: str, scope: str | None = None) -> "Api":
        """The same API with a token of this client."""
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret, "audience": AUDIENCE}
        if scope is not None:
            form["scope"] = scope
        return self.with_token(self.ask_for_token(form).expect(200)["access_token"])
