"""Every route of the table against no token, a token without its scope, and another partner's token."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from support import samples
from support.api import Answer, Api
from support.bundle import CUSTOMERS, REGISTRATIONS, Bundle, Partner
from support.ekyc import Ekyc, of_state
from support.receiver import Receiver
from support.routes import Route, routes, scopes
from support.waiting import wait_for, wait_until_equal

PRIVATE_ROUTES = [route for route in routes() if route.scope]
# A merchant is a name of the partner's own, not an id: another partner's merchant of that name is another merchant.
WITH_AN_ID = [route for route in PRIVATE_ROUTES if route.parameters and "merchantId" not in route.parameters]


@dataclass
class House:
    """One of everything that a route can name, and a good body for every route that takes one."""

    ids: dict[str, str]
    company: str
    account: str
    bodies: dict[str, Callable[[str], dict]]

    def path(self, route: Route) -> str:
        ids = self.ids
        if "beneficial-owners" in route.path or "business-due-diligence" in route.path:
            ids = {**ids, "customerId": self.company}
        if "/accounts/" in route.path:
            ids = {**ids, "id": self.account}
        if "/pennydrop/" in route.path:
            ids = {**ids, "authId": ids["pennyAuthId"]}
        return route.filled(ids)

    def body(self, route: Route, partner_id: str) -> dict | None:
        return self.bodies[route.request](partner_id) if route.request else None


def send(api: Api, route: Route, path: str, body: dict | None) -> Answer:
    if route.method in ("POST", "PUT", "PATCH"):
        return getattr(api, route.method.lower())(path, body)
    return api.send(route.method, path)


def is_newday(route: Route) -> bool:
    return route.contract == "NewDay"


def refused(route: Route, answer: Answer, status: int) -> bool:
    """Whether this is the refusal of the route's contract: forbidden, or no such thing."""
    if answer.status != status:
        return False
    if route.contract == "Straddle":
        error = answer.json()["error"]
        return (error["status"], error["type"]) == (status, {403: "/forbidden", 404: "/not_found"}[status])
    if is_newday(route):
        return status == 404 or answer.json().get("type") == "urn:gatehouse:problem:missing-scope"
    return answer.codes(status) == [{403: 3001, 404: 2001}[status]]


def constant(route: Route, found: Answer) -> tuple:
    """An answer without what names the request: its id, and the time that a contract puts into the body."""
    varying = ("request-id", "date", "content-length", "x-correlation-id")
    headers = {name: value for name, value in found.headers.items() if name not in varying and not name.startswith("x-amz")}
    body = re.sub(r'"api_request_(id|timestamp)":"[^"]*"', "", found.text)
    if is_newday(route):
        body = {name: value for name, value in found.json().items() if name not in ("traceId", "instance")}
    return found.status, body, headers


def platform_customer(**more) -> dict:
    """What creating and replacing have in common in the Straddle contract."""
    return {"name": f"{samples.word()} {samples.word()}", "email": samples.email_address(), "phone": f"+1{samples.phone_number()}",
            "device": {"ip_address": "203.0.113.9"}, **more}


@pytest.fixture(scope="module")
def house(partner: Partner, receiver: Receiver) -> House:
    person = partner.onboard(samples.person(partner.id))
    business = partner.onboard(samples.company(partner.id))
    base = f"{CUSTOMERS}/{person['id']}"
    registration = partner.register("Core.Customer.Onboarded", receiver.endpoint().url)
    ids = {"customerId": person["id"], "registrationId": registration["id"]}
    for kind, parameter, body in (
        ("addresses", "addressId", samples.address()), ("phones", "phoneId", samples.phone()),
        ("emails", "emailId", samples.email()), ("identifications", "identificationId", samples.identification()),
    ):
        ids[parameter] = partner.api.post(f"{base}/{kind}", body).expect(200)["id"]
    owner = {"ownerCustomerId": person["id"], "ownershipPercentage": 40, "ownerTitle": "Director"}
    ids["ownerId"] = partner.api.post(f"{CUSTOMERS}/{business['id']}/beneficial-owners", owner).expect(200)["id"]
    ping = partner.api.put(f"{REGISTRATIONS}/{registration['id']}/ping").expect(200)
    ids["eventId"] = ping["id"]
    wait_for("the ping is delivered", lambda: partner.event(ping["id"])["status"] == "Success")
    ekyc = Ekyc(partner.bundle, partner)
    application, account = ekyc.application(), ekyc.account()
    ids |= {"id": application.path.rsplit("/", 1)[1], "merchantId": "default", "method": "otp"}
    ids["authId"] = application.begun()["authId"]
    ids["pennyAuthId"] = of_state(application.drop(samples.bank_account()), "initiated")["authId"]
    particulars = {name: application.body[name] for name in ("name", "contact", "address")}
    return House(ids, business["id"], account.path.rsplit("/", 1)[1], {
        "ApplicationInput": lambda _: samples.particulars(person["id"]),
        "AccountInput": lambda _: {**samples.particulars(person["id"]), "accountNumber": samples.account_number()},
        "SubjectUpdate": lambda _: particulars,
        "OtpInitiateRequest": lambda _: {},
        "PennyDropInitiateRequest": lambda _: {"sortCode": samples.SORT_CODE, "bankAccount": samples.bank_account()},
        "ValidateRequest": lambda _: {"passcode": "0000000000"},
        "EkycConfiguration": lambda _: {"otpCodeLength": 3},
        "CustomerCreate": samples.person,
        "Name": lambda _: {"firstName": samples.word(), "lastName": samples.word()},
        "Profile": lambda _: {"riskRating": "Medium"},
        "DueDiligence": lambda _: samples.due_diligence(),
        "BusinessDueDiligence": lambda _: {"naics": "541512"},
        "ScanDecision": lambda _: {"decision": "Clear", "reason": "not the listed one"},
        "AddressInput": lambda _: samples.address(),
        "PhoneInput": lambda _: samples.phone(),
        "EmailInput": lambda _: samples.email(),
        "IdentificationInput": lambda _: samples.identification(),
        "OwnerInput": lambda _: {"ownerCustomerId": person["id"], "ownershipPercentage": 5},
        "OwnerUpdate": lambda _: {"ownershipPercentage": 30},
        "SecretRotation": lambda _: {"overlapHours": 1},
        "StraddleCustomerCreate": lambda _: platform_customer(type="individual"),
        "StraddleCustomerUpdate": lambda _: platform_customer(status="verified"),
        "StraddleDecision": lambda _: {"status": "verified"},
        "RegistrationInput": lambda partner_id: samples.registration(partner_id, "Core.Customer.Name.Changed", receiver.endpoint().url),
    })


def at_once(checks: list[Callable[[], str | None]]) -> None:
    """Runs all checks, a few at a time, and fails with every complaint."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        complaints = [complaint for complaint in pool.map(lambda check: check(), checks) if complaint]
    assert not complaints, "\n".join(complaints)


def test_the_table_has_routes_for_every_scope() -> None:
    assert {route.scope for route in PRIVATE_ROUTES} == set(scopes())


def test_without_a_token_every_route_answers_401_and_nothing_else(bundle: Bundle, partner: Partner, house: House) -> None:
    def check(route: Route) -> Callable[[], str | None]:
        def run() -> str | None:
            found = send(bundle.api, route, house.path(route), house.body(route, partner.id))
            return None if (found.status, found.text) == (401, "") else f"{route}: {found.status} {found.text[:200]!r}"
        return run

    at_once([check(route) for route in PRIVATE_ROUTES])


def test_with_every_other_scope_each_route_answers_403(partner: Partner, house: House) -> None:
    tokens = {scope: partner.api_with(" ".join(other for other in scopes() if other != scope)) for scope in scopes()}

    def check(route: Route) -> Callable[[], str | None]:
        def run() -> str | None:
            found = send(tokens[route.scope], route, house.path(route), house.body(route, partner.id))
            # The one refusal that the contract words for itself.
            named = route.scope in found.text or (route.contract == "Straddle" and route.scope == "customers:unmask")
            good = refused(route, found, 403) and named
            return None if good else f"{route}: {found.status} {found.text[:200]!r}"
        return run

    at_once([check(route) for route in PRIVATE_ROUTES])


def test_with_only_its_scope_each_route_that_reads_answers(partner: Partner, house: House) -> None:
    """So that the refusals before are about the scope and nothing else."""
    tokens = {scope: partner.api_with(scope) for scope in (
        "customers:read", "customers:unmask", "webhooks:read", "ekyc.initiate", "ekyc.config",
    )}

    def check(route: Route) -> Callable[[], str | None]:
        def run() -> str | None:
            found = send(tokens[route.scope], route, house.path(route), None)
            # The sessions are an application's; under the account they do not exist.
            expected = (404,) if "/accounts/{id}/kyc" in route.path else (200, 204)
            return None if found.status in expected else f"{route}: {found.status} {found.text[:200]!r}"
        return run

    at_once([check(route) for route in PRIVATE_ROUTES if route.method == "GET"])


def test_another_partners_id_answers_like_one_that_does_not_exist_byte_for_byte(
    partner: Partner, stranger: Partner, house: House
) -> None:
    def check(route: Route) -> Callable[[], str | None]:
        def run() -> str | None:
            api = stranger.unmasked if route.scope == "customers:unmask" else stranger.api
            body = house.body(route, stranger.id)
            theirs = send(api, route, house.path(route), body)
            unknown = {name: samples.unknown_id() for name in route.parameters}
            if "/accounts/" in route.path:
                unknown["id"] = samples.account_number()
            nobodys = send(api, route, route.filled(unknown), body)
            if not refused(route, theirs, 404):
                return f"{route}: {theirs.status} {theirs.text[:200]!r}"
            one, other = constant(route, theirs), constant(route, nobodys)
            return None if one == other else f"{route}: {one} but for an unknown id {other}"
        return run

    at_once([check(route) for route in WITH_AN_ID])
    customer = partner.customer(house.ids["customerId"])
    assert (customer["status"], customer["profile"]["riskRating"]) == ("Active", "Low"), "nothing was changed"


# ---- accounts of a platform

PAYERS = "/v1/customers"
# The operations on one customer: what behind its path, with what body.
ON_ONE: list[tuple[str, str, Callable[[], dict] | None]] = [
    ("GET", "", None),
    ("PUT", "", lambda: platform_customer(status="review")),
    ("GET", "/unmasked", None),
    ("GET", "/review", None),
    ("PATCH", "/review", lambda: {"status": "verified"}),
    ("PUT", "/refresh_review", None),
    ("DELETE", "", None),
]


@dataclass
class Outsider:
    """Somebody to whom a customer of an account does not exist."""

    api: Api
    account: str | None

    def send(self, method: str, path: str, *, body: dict | None = None, query: dict | None = None, key: str | None = None) -> Answer:
        headers = {"Straddle-Account-Id": self.account, "Idempotency-Key": key, "Content-Type": "application/json"}
        return self.api.send(method, path, body=None if body is None else json.dumps(body), query=query, headers=headers)


@pytest.mark.parametrize("who", ["another account", "another partner", "another partner that names the account"])
def test_each_operation_answers_an_outsider_as_if_there_were_no_such_customer(bundle: Bundle, partner: Partner, who: str) -> None:
    # Another partner than the stranger of the other tests: this one creates.
    account, stranger = samples.unknown_id(), bundle.new_partner()
    inside = Outsider(partner.unmasked, account)
    outside = {
        "another account": Outsider(partner.unmasked, samples.unknown_id()),
        "another partner": Outsider(stranger.unmasked, None),
        "another partner that names the account": Outsider(stranger.unmasked, account),
    }[who]
    sent = platform_customer(type="individual", external_id=samples.word(), config={"sandbox_outcome": "review"})
    key = f"key-{samples.unknown_id()[:20]}"
    made = inside.send("POST", PAYERS, body=sent, key=key).expect(201)["data"]
    before = inside.send("GET", f"{PAYERS}/{made['id']}").expect(200)["data"]

    # The seven on one customer.
    for method, behind, body in ON_ONE:
        document = body() if body else None
        theirs = outside.send(method, f"{PAYERS}/{made['id']}{behind}", body=document)
        nobodys = outside.send(method, f"{PAYERS}/{samples.unknown_id()}{behind}", body=document)
        case = f"{method} {PAYERS}/{{id}}{behind}: {theirs.status} {theirs.text[:200]!r}"
        assert theirs.json()["error"]["type"] == "/not_found", case
        assert gist(theirs) == gist(nobodys), case

    # The list, by everything that is exact or part of the customer.
    for field, value, nothing in (
        ("email", sent["email"], samples.email_address()), ("external_id", sent["external_id"], samples.unknown_id()),
        ("name", sent["name"], samples.unknown_id()), ("search_text", sent["phone"], samples.unknown_id()),
    ):
        theirs = outside.send("GET", PAYERS, query={field: value})
        nobodys = outside.send("GET", PAYERS, query={field: nothing})
        assert (theirs.expect(200)["data"], theirs.json()["meta"]["total_items"]) == ([], 0), field
        assert gist(theirs) == gist(nobodys), field
        wait_until_equal(f"the account's own list by {field}",
                         lambda: [one["id"] for one in inside.send("GET", PAYERS, query={field: value}).expect(200)["data"]], [made["id"]])

    # Creating: neither the e-mail address nor the key is taken where one cannot see.
    other = outside.send("POST", PAYERS, body=sent, key=key)
    assert other.expect(201)["data"]["id"] != made["id"] and "idempotent-replayed" not in other.headers
    assert inside.send("GET", f"{PAYERS}/{made['id']}").expect(200)["data"] == before, "nothing was changed"
    assert inside.send("POST", PAYERS, body=sent, key=key).headers["idempotent-replayed"] == "true"

    # The account itself may do all of it, and its platform without a header as well.
    platform = Outsider(partner.unmasked, None)
    assert platform.send("GET", f"{PAYERS}/{made['id']}").expect(200)["data"] == before
    for method, behind, body in ON_ONE:
        done = inside.send(method, f"{PAYERS}/{made['id']}{behind}", body=body() if body else None)
        assert done.status in (200, 202), f"{method} {behind}: {done.status} {done.text[:300]}"
        if behind == "/unmasked":
            assert done.json()["data"]["device"] == {"ip_address": "203.0.113.9"}


def gist(found: Answer) -> tuple:
    """All of an answer but the ids and times that name the request."""
    varying = ("request-id", "date", "content-length")
    headers = {name: value for name, value in found.headers.items() if name not in varying and not name.startswith("x-amz")}
    return found.status, re.sub(r'"api_request_(id|timestamp)":"[^"]*"', "", found.text), headers


def test_lists_show_a_stranger_nothing(partner: Partner, stranger: Partner, house: House) -> None:
    for path in (CUSTOMERS, REGISTRATIONS, "/webhooks/v1/events"):
        for query in ({}, {"partnerId": partner.id}):
            if path.endswith("events") and query:
                continue
            assert partner.api.get(path, query).expect(200)["results"], "the partner itself sees something"
            assert stranger.api.get(path, query).expect(200)["results"] == []
    customer = partner.customer(house.ids["customerId"])
    for term in ({"id": customer["id"]}, {"cifNumber": customer["cifNumber"]}):
        assert [found["id"] for found in partner.api.get(CUSTOMERS, term).expect(200)["results"]] == [customer["id"]]
        assert stranger.api.get(CUSTOMERS, term).expect(200)["results"] == []


def test_nobody_creates_for_another_partner(partner: Partner, stranger: Partner, receiver: Receiver) -> None:
    theirs = stranger.api.post(CUSTOMERS, samples.person(partner.id))
    nobodys = stranger.api.post(CUSTOMERS, samples.person(samples.unknown_id()))
    assert theirs.codes() == [1010]
    assert theirs.text == nobodys.text
    url = receiver.endpoint().url
    theirs = stranger.api.post(REGISTRATIONS, samples.registration(partner.id, "Core.Customer.Onboarded", url))
    nobodys = stranger.api.post(REGISTRATIONS, samples.registration(samples.unknown_id(), "Core.Customer.Onboarded", url))
    assert theirs.codes() == [1010]
    assert theirs.text == nobodys.text


def test_a_company_cannot_be_owned_by_another_partners_customer(partner: Partner, stranger: Partner, house: House) -> None:
    company = stranger.onboard(samples.company(stranger.id))
    path = f"{CUSTOMERS}/{company['id']}/beneficial-owners"
    theirs = stranger.api.post(path, {"ownerCustomerId": house.ids["customerId"], "ownershipPercentage": 30})
    nobodys = stranger.api.post(path, {"ownerCustomerId": samples.unknown_id(), "ownershipPercentage": 30})
    assert theirs.codes() == [1010]
    assert theirs.text == nobodys.text


def test_unknown_routes_and_methods_are_404_in_the_contracts_shape(partner: Partner) -> None:
    for method, path in (("GET", "/core/v1/cm/nothing"), ("GET", "/"), ("DELETE", CUSTOMERS), ("POST", "/webhooks/v1/events/poll")):
        assert partner.api.send(method, path).error(404) == 2001, f"{method} {path}"


def test_what_the_gateway_answers_itself_is_right_in_straddles_contract_too(partner: Partner) -> None:
    for method, path in (("GET", "/v1/paykeys"), ("PATCH", "/v1/customers"), ("POST", f"/v1/customers/{samples.unknown_id()}")):
        answer = partner.api.send(method, path)
        body = answer.expect(404)
        assert (body["response_type"], body["meta"]) == ("error", {"api_request_id": answer.headers["request-id"]}), f"{method} {path}"
        error = body["error"]
        assert (error["status"], error["type"], error["title"]) == (404, "/not_found", "Not Found"), f"{method} {path}"
        assert error["detail"] and "data" not in body


def test_the_emergency_exits_are_not_reachable_through_the_api(partner: Partner) -> None:
    for name in ("client-admin", "audit-verify", "webhook-sweep", "watchlist-refresh", "authorizer"):
        assert partner.api.post(f"/{name}", {}).status == 404
