"""Measures what each operation costs in DynamoDB: round trips and capacity units, beside the design's budgets.

The figures come from the product's own log line of each request, in a bundle of its own. A function's first request also
fetches the partner's data key, so every operation is made twice and the second counts. Invariant: an operation that
fails, or of which no line is found, fails the run; there is no row without a measurement.
"""

import itertools
import json
import re
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
        self.masked = self._token("customers:read customers:write ekyc.initiate ekyc.validate")
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
        token = self.unmasked if unmasked else self.masked
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


APPLICATIONS = "/acquisition/v2/applications"


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
        return self.bundle.call("POST", f"{self.next()[0]}/pennydrop", {"sortCode": "000100", "bankAccount": "10000600"})


def measure(bundle: Bundle, person: dict) -> list[Cost]:
    """Every operation that the design gives a budget, and its neighbours."""
    customer = bundle.call("POST", CUSTOMERS, person)["body"]["id"]
    one = f"{CUSTOMERS}/{customer}"
    applicants = Applicants(bundle, customer)
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
        # Each has an idempotency key, whose record costs a read. The guard's three rows are written side by side; the row of
        # a new number is put after an update has found none.
        ("send a passcode", "otp-initiate", applicants.initiate, 9),
        ("a wrong passcode", "otp-validate", lambda: applicants.validate(right=False), 4),
        ("the right passcode", "otp-validate", lambda: applicants.validate(right=True), 7),
        ("pay a penny", "penny-drop-initiate", applicants.drop, 4),
    ]
    costs = []
    for name, function, act, budget in rows:
        act()
        costs.append(Cost(name, *bundle.cost_of(function, act()["id"]), budget))
    return costs
