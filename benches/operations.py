"""Measures what each operation costs in DynamoDB: round trips and capacity units, beside the budgets.

The figures come from the product's own log line of each request, in a bundle of its own. A function's first request also
fetches the partner's data key, so every operation is made twice and the second counts. Invariant: an operation that
fails, or of which no line is found, fails the run; there is no row without a measurement.

Budgets are those of docs/architecture.md. Two are above the design's first figure, and why stands there: a page leaves the
bookmark of the next one, and a delivery reads its registration (beside the claim, so it takes no longer).
"""

import http.server
import itertools
import json
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LINE_LIMIT_SECONDS = 20


class NotMeasured(Exception):
    """The operation failed or left no line."""


@dataclass
class Cost:
    operation: str
    round_trips: int
    units: float
    # The most round trips that docs/architecture.md allows; None where it says nothing.
    budget: int | None


class Bundle:
    """A running bundle and a token for it."""

    def __init__(self, environment: dict, logs):
        self.facts, self.logs = environment, logs
        self.partner = environment["client"]["partnerId"]
        self.masked = self.token("customers:read customers:write compliance:review webhooks:read webhooks:write "
                                 "ekyc.initiate ekyc.validate")[0]
        self.unmasked = self.token("customers:read customers:unmask")[0]

    def token(self, scopes: str) -> tuple[str, str]:
        """A token, and the id of the request that issued it."""
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "audience": "https://api.crbcos.com/", "scope": scopes,
            "client_id": self.facts["client"]["clientId"], "client_secret": self.facts["client"]["clientSecret"],
        })
        request = urllib.request.Request(self.facts["baseUrl"] + "/connect/token", data=form.encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["access_token"], answer.headers["request-id"]

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

    def last_text(self, number: str) -> str:
        """The last text message that the emulator holds back for a number."""
        query = urllib.parse.urlencode({"phoneNumber": number})
        with urllib.request.urlopen(f"{self.facts['endpoint']}/_ministack/sns/sms-messages?{query}") as answer:
            found = json.load(answer)
        texts = re.findall(r'"Message": "(.*?)"', json.dumps(found))
        if not texts:
            raise NotMeasured(f"no text message to {number}")
        return texts[-1]

    def cost_of(self, function: str, request_id: str) -> tuple[int, float]:
        """What one request cost."""
        return self._cost(function, lambda line: line.get("api_request_id") == request_id)

    def work_of(self, function: str, since: float) -> tuple[int, float]:
        """What the first invocation since then that had something to do cost."""
        return self._cost(function, lambda line: line["_aws"]["Timestamp"] >= since * 1000 and line["dynamodb_round_trips"] > 0)

    def _cost(self, function: str, is_it: Callable[[dict], bool]) -> tuple[int, float]:
        group = f"/aws/lambda/{self.facts['stack']}-{function}"
        deadline = time.monotonic() + LINE_LIMIT_SECONDS
        while time.monotonic() < deadline:
            for event in self.logs.filter_log_events(logGroupName=group)["events"]:
                line = event["message"].strip()
                found = json.loads(line) if line.startswith("{") else {}
                if "dynamodb_round_trips" in found and is_it(found):
                    return found["dynamodb_round_trips"], found["dynamodb_capacity_units"]
            time.sleep(0.1)
        raise NotMeasured(f"{function} logged no such line")


class _Accepts(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_) -> None:
        pass


@contextmanager
def receiver() -> Iterator[str]:
    """A partner's webhook receiver on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Accepts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


CUSTOMERS = "/core/v1/cm/customers"
PAYERS = "/v1/customers"


REGISTRATIONS = "/webhooks/v1/registrations"
EVENTS = "/webhooks/v1/events"
APPLICATIONS = "/acquisition/v2/applications"
ACCOUNT = {"sortCode": "000100", "bankAccount": "10000600"}


class Applicants:
    """Applications for eKYC of one customer, each with a number of its own, so that none meets another's limits."""

    def __init__(self, bundle: Bundle, customer: str):
        self.bundle, self.customer, self.numbers = bundle, customer, itertools.count(100_000)

    def next(self) -> tuple[str, str]:
        """A new application's path, and its number."""
        number = f"+447400{next(self.numbers)}"
        made = self.bundle.call("POST", APPLICATIONS, {
            "customerId": self.customer, "name": {"givenName": "Dora", "familyName": "Rivers"},
            "contact": {"mobileNumber": number}, "address": {"houseNumber": "7", "townOrCity": "London", "postcode": "N1C 4DA"},
        })
        return f"{APPLICATIONS}/{made['body']['applicationId']}/kycauthentications", number

    def begun(self) -> tuple[str, str]:
        """A session's path and its code."""
        path, number = self.next()
        auth = self.bundle.call("POST", f"{path}/otp", {})["body"]["authId"]
        return f"{path}/otp/{auth}", re.findall(r"\d{6}", self.bundle.last_text(number))[0]

    def initiate(self) -> dict:
        return self.bundle.call("POST", f"{self.next()[0]}/otp", {})

    def validate(self, *, right: bool) -> dict:
        path, code = self.begun()
        typed = code if right else f"{(int(code) + 1) % 1_000_000:06}"
        return self.bundle.call("POST", f"{path}/validate", {"passcode": typed})

    def drop(self) -> dict:
        """An account that passes the modulus check of the sample table and that the bank's stand-in knows under the name."""
        return self.bundle.call("POST", f"{self.next()[0]}/pennydrop", ACCOUNT)

    def prove(self) -> dict:
        path, _ = self.next()
        auth = self.bundle.call("POST", f"{path}/pennydrop", ACCOUNT)["body"]["authId"]
        query = urllib.parse.urlencode({"sortCode": ACCOUNT["sortCode"], "accountNumber": ACCOUNT["bankAccount"]})
        with urllib.request.urlopen(f"{self.bundle.facts['bankUrl']}/statement?{query}") as answer:
            code = re.findall(r"\d{4}", json.load(answer)[-1]["reference"])[0]
        return self.bundle.call("POST", f"{path}/pennydrop/{auth}/validate", {"passcode": code})


def measure(bundle: Bundle, person: dict) -> list[Cost]:
    """Every operation that has a budget, and its neighbours."""
    with receiver() as url:
        return [*_of_requests(bundle, person), *_of_work(bundle, person, url)]


def _name() -> dict:
    letters = str.maketrans("0123456789", "abcdefghij")
    return {"firstName": "Dora", "lastName": f"Rivers{uuid.uuid4().hex[:4]}".translate(letters)}


def _of_requests(bundle: Bundle, person: dict) -> list[Cost]:
    customer = bundle.call("POST", CUSTOMERS, person)["body"]["id"]
    one = f"{CUSTOMERS}/{customer}"

    def phone() -> dict:
        return {"isPrimary": False, "phoneType": "Mobile", "phoneNumber": f"201555{uuid.uuid4().int % 10_000:04}"}

    def added() -> str:
        return f"{one}/phones/{bundle.call('POST', f'{one}/phones', phone())['body']['id']}"

    def settled() -> None:
        """Waits for the review of a new name: it writes the same customer, and whoever meets it writes twice."""
        deadline = time.monotonic() + LINE_LIMIT_SECONDS
        while {(found := bundle.call("GET", one)["body"])["ofac"], found["pepScan"]} & {"Pending"}:
            if time.monotonic() > deadline:
                raise NotMeasured("the customer is not screened")
            time.sleep(0.05)

    def renamed() -> dict:
        settled()
        answer = bundle.call("PUT", f"{one}/name", _name())
        settled()
        return answer

    # The first phone is the primary one, which neither loses its flag nor goes while there are others.
    added()
    second = added()
    applicants = Applicants(bundle, customer)
    rows: list[tuple[str, str, Callable[[], dict], int | None]] = [
        ("issue a token", "token-issue", lambda: {"id": bundle.token("customers:read")[1]}, None),
        ("create a customer", "customer-create", lambda: bundle.call("POST", CUSTOMERS, person), 1),
        ("get a customer", "customer-get", lambda: bundle.call("GET", one), 1),
        # The audit entry of an unmasked read is a transaction of its own.
        ("get it unmasked", "customer-get", lambda: bundle.call("GET", one, unmasked=True), 2),
        # One query each; a page leaves a bookmark, and the second page first reads the one the first left.
        ("first page", "customer-search", lambda: bundle.call("GET", f"{CUSTOMERS}?pageNumber=1&pageSize=1"), 2),
        ("second page", "customer-search", lambda: bundle.call("GET", f"{CUSTOMERS}?pageNumber=2&pageSize=1"), 3),
        ("find by tax id", "customer-search",
         lambda: bundle.call("GET", f"{CUSTOMERS}?taxId={person['profile']['taxId']}"), None),
        ("change a name", "customer-update", renamed, 2),
        ("add a phone", "contact-add", lambda: bundle.call("POST", f"{one}/phones", phone()), 2),
        ("change a phone", "contact-update", lambda: bundle.call("PUT", second, phone()), 2),
        ("remove a phone", "contact-remove", lambda: bundle.call("DELETE", added()), 2),
        ("list phones", "contact-list", lambda: bundle.call("GET", f"{one}/phones"), 1),
        ("deactivate a customer", "customer-delete",
         lambda: bundle.call("DELETE", f"{CUSTOMERS}/{bundle.call('POST', CUSTOMERS, person)['body']['id']}"), 2),
        # Each has an idempotency key, whose record costs a read. The guard's three rows are written side by side; the row of
        # a new number is put after an update has found none. The wrong codes of a destination are read beside the send and the
        # count. docs/api-ekyc.md says why each of them stays.
        ("send a passcode", "otp-initiate", applicants.initiate, 9),
        ("a wrong passcode", "otp-validate", lambda: applicants.validate(right=False), 5),
        ("the right passcode", "otp-validate", lambda: applicants.validate(right=True), 8),
        # The name check is counted by a transaction of its own before anybody is asked.
        ("pay a penny", "penny-drop-initiate", applicants.drop, 5),
        # The guard does not see pennies.
        ("the penny's code", "penny-drop-validate", applicants.prove, 6),
    ]
    rows += straddle_rows(bundle)
    costs = []
    for name, function, act, budget in rows:
        act()
        costs.append(Cost(name, *bundle.cost_of(function, act()["id"]), budget))
    return costs


def _of_work(bundle: Bundle, person: dict, url: str) -> list[Cost]:
    """Registrations and their events, and what follows an onboarding off the request path."""
    costs: list[Cost] = []

    def note(name: str, function: str, answer: dict, budget: int | None) -> dict:
        costs.append(Cost(name, *bundle.cost_of(function, answer["id"]), budget))
        return answer["body"]

    def registration(event: str) -> dict:
        return {"partnerId": bundle.partner, "eventName": event, "type": "Push", "callbackUrl": url, "format": "Basic"}

    # The first request of each function fetches the data key.
    bundle.call("GET", REGISTRATIONS)
    made = bundle.call("POST", REGISTRATIONS, registration("Core.Customer.Name.Changed"))["body"]
    bundle.call("DELETE", f"{REGISTRATIONS}/{made['id']}")
    made = note("register a webhook", "webhook-registrations",
                bundle.call("POST", REGISTRATIONS, registration("Core.Customer.Onboarded")), 1)
    note("list registrations", "webhook-registrations", bundle.call("GET", REGISTRATIONS), 1)
    for is_measured in (False, True):
        since = time.time()
        bundle.call("POST", CUSTOMERS, person)
        # scan-request only sends a message; no table is touched.
        for name, function, budget in (("screen and review a customer", "scan-worker", 4), ("fan an event out", "event-fanout", 3),
                                       ("deliver a webhook", "webhook-dispatch", 3)):
            found = bundle.work_of(function, since)
            if is_measured:
                costs.append(Cost(name, *found, budget))
    events = bundle.call("GET", EVENTS)
    # Each shows the partner's own id of a customer, which no event keeps.
    costs.append(Cost("list events", *bundle.cost_of("webhook-events", events["id"]), 2))
    event = events["body"]["results"][0]["id"]
    note("get an event", "webhook-events", bundle.call("GET", f"{EVENTS}/{event}"), 2)
    since = time.time()
    bundle.masked = bundle.token("customers:read")[0]
    bundle.call("GET", f"{CUSTOMERS}?pageSize=1")
    costs.append(Cost("authorize a new token", *bundle.work_of("authorizer", since), 1))
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
