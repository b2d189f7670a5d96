"""Measures what each operation costs in DynamoDB: round trips and capacity units, beside the design's budgets.

The figures come from the product's own log line of each request, in a bundle of its own. A function's first request also
fetches the partner's data key, so every operation is made twice and the second counts. Invariant: an operation that
fails, or of which no line is found, fails the run; there is no row without a measurement.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass

LINE_LIMIT_SECONDS = 5


class NotMeasured(Exception):
    """The operation failed or left no line."""


@dataclass
class Cost:
    operation: str
    round_trips: int
    units: float
    # The most round trips the design allows; None where it says nothing.
    budget: int | None


class Bundle:
    """A running bundle and a token for it."""

    def __init__(self, environment: dict, logs):
        self.facts, self.logs = environment, logs
        self.partner = environment["client"]["partnerId"]
        self.masked = self._token("customers:read customers:write compliance:review")
        self.unmasked = self._token("customers:read customers:unmask")

    def _token(self, scopes: str) -> str:
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "audience": "https://api.crbcos.com/", "scope": scopes,
            "client_id": self.facts["client"]["clientId"], "client_secret": self.facts["client"]["clientSecret"],
        })
        request = urllib.request.Request(self.facts["baseUrl"] + "/connect/token", data=form.encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["access_token"]

    def call(self, method: str, path: str, body: dict | None = None, *, unmasked: bool = False) -> dict:
        """One request; answers the body and the request's id."""
        token = self.unmasked if unmasked or path.endswith("/unmasked") else self.masked
        request = urllib.request.Request(self.facts["baseUrl"] + path, method=method, headers={
            "Authorization": f"Bearer {token}", "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }, data=json.dumps(body).encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request) as answer:
                return {"id": answer.headers["request-id"], "body": json.load(answer)}
        except urllib.error.HTTPError as refusal:
            raise NotMeasured(f"{method} {path}: {refusal.code} {refusal.read()[:300]!r}") from refusal

    def cost_of(self, function: str, request_id: str) -> tuple[int, float]:
        group = f"/aws/lambda/{self.facts['stack']}-{function}"
        deadline = time.monotonic() + LINE_LIMIT_SECONDS
        while time.monotonic() < deadline:
            for event in self.logs.filter_log_events(logGroupName=group)["events"]:
                line = event["message"].strip()
                if line.startswith("{") and json.loads(line).get("api_request_id") == request_id:
                    found = json.loads(line)
                    return found["dynamodb_round_trips"], found["dynamodb_capacity_units"]
            time.sleep(0.1)
        raise NotMeasured(f"{function} logged no line for request {request_id}")


CUSTOMERS = "/core/v1/cm/customers"
PAYERS = "/v1/customers"


def measure(bundle: Bundle, person: dict) -> list[Cost]:
    """Every operation that the design gives a budget, and its neighbours."""
    customer = bundle.call("POST", CUSTOMERS, person)["body"]["id"]
    one = f"{CUSTOMERS}/{customer}"
    phone = {"isPrimary": False, "phoneType": "Mobile", "phoneNumber": "2015550123"}
    rows: list[tuple[str, str, Callable[[], dict], int | None]] = [
        ("create a customer", "customer-create", lambda: bundle.call("POST", CUSTOMERS, person), 1),
        ("get a customer", "customer-get", lambda: bundle.call("GET", one), 1),
        # The audit entry of an unmasked read is a transaction of its own.
        ("get it unmasked", "customer-get", lambda: bundle.call("GET", one, unmasked=True), 2),
        # One query each; a page leaves a bookmark, and the second page first reads the one the first left.
        ("first page", "customer-search", lambda: bundle.call("GET", f"{CUSTOMERS}?pageNumber=1&pageSize=1"), 2),
        ("second page", "customer-search", lambda: bundle.call("GET", f"{CUSTOMERS}?pageNumber=2&pageSize=1"), 3),
        ("find by tax id", "customer-search",
         lambda: bundle.call("GET", f"{CUSTOMERS}?taxId={person['profile']['taxId']}"), None),
        ("change a name", "customer-update",
         lambda: bundle.call("PUT", f"{one}/name", {"firstName": "Dora", "lastName": f"Rivers{uuid.uuid4().hex[:4]}"
                                                    .translate(str.maketrans("0123456789", "abcdefghij"))}), None),
        ("add a phone", "contact-add", lambda: bundle.call("POST", f"{one}/phones", phone), None),
        ("list phones", "contact-list", lambda: bundle.call("GET", f"{one}/phones"), 1),
    ]
    rows += straddle_rows(bundle)
    costs = []
    for name, function, act, budget in rows:
        act()
        costs.append(Cost(name, *bundle.cost_of(function, act()["id"]), budget))
    return costs


def payer(**config: str) -> dict:
    """A customer as the Straddle contract has it, with an e-mail address of its own."""
    return {
        "name": "Dora Riversmoke", "type": "individual", "email": f"dora.{uuid.uuid4().hex}@example.com",
        "phone": "+12015550123", "device": {"ip_address": "203.0.113.9"},
        "compliance_profile": {"ssn": "219-09-9876", "dob": "1980-02-14"}, "config": config,
    }


def straddle_rows(bundle: Bundle) -> list[tuple[str, str, Callable[[], dict], int | None]]:
    """The nine operations of the Straddle contract."""
    made = bundle.call("POST", PAYERS, payer(sandbox_outcome="verified"))["body"]["data"]
    one = f"{PAYERS}/{made['id']}"

    def create(**config: str) -> dict:
        return bundle.call("POST", PAYERS, payer(**config))

    def replace() -> dict:
        body = {name: made[name] for name in ("name", "email", "phone", "status")}
        return bundle.call("PUT", one, body | {
            "device": {"ip_address": "203.0.113.9"}, "compliance_profile": {"ssn": "219-09-9876", "dob": "1980-02-14"},
            "metadata": {"seen": uuid.uuid4().hex},
        })

    def decide() -> dict:
        fresh = create(sandbox_outcome="review")["body"]["data"]["id"]
        return bundle.call("PATCH", f"{PAYERS}/{fresh}/review", {"status": "verified"})

    def erase() -> dict:
        return bundle.call("DELETE", f"{PAYERS}/{create(processing_method='skip')['body']['data']['id']}")

    return [
        # One transaction, and before it what the network of partners knows.
        ("Straddle: create, inline", "customer-create", lambda: create(processing_method="inline"), 2),
        ("Straddle: create, background", "customer-create", lambda: create(processing_method="background"), 1),
        ("Straddle: get", "customer-get", lambda: bundle.call("GET", one), 1),
        ("Straddle: unmasked", "customer-unmask", lambda: bundle.call("GET", f"{one}/unmasked"), 2),
        # The page, the counters beside it, and the bookmark that it leaves; from the second on the bookmark it starts at.
        ("Straddle: first page", "customer-search", lambda: bundle.call("GET", f"{PAYERS}?page_size=1"), 3),
        ("Straddle: second page", "customer-search", lambda: bundle.call("GET", f"{PAYERS}?page_size=1&page_number=2"), 4),
        ("Straddle: third page", "customer-search", lambda: bundle.call("GET", f"{PAYERS}?page_size=1&page_number=3"), 4),
        ("Straddle: find by e-mail", "customer-search", lambda: bundle.call("GET", f"{PAYERS}?email={made['email']}"), 2),
        ("Straddle: update", "customer-update", replace, 2),
        ("Straddle: review", "customer-review", lambda: bundle.call("GET", f"{one}/review"), 2),
        ("Straddle: decision", "customer-review", decide, 3),
        ("Straddle: delete", "customer-delete", erase, 2),
        ("Straddle: refresh", "customer-review-refresh", lambda: bundle.call("PUT", f"{one}/refresh_review"), 2),
    ]
