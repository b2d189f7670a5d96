"""Signed deliveries, judged by the libraries with which receivers verify them."""

import copy
import json
import time
from collections.abc import Iterator

import pytest
import standardwebhooks
import straddle
import svix.webhooks
from support import samples
from support.bundle import CUSTOMERS, EVENTS, REGISTRATIONS, Bundle, Partner
from support.receiver import Delivery, Endpoint, Receiver, answer, in_turn, redirect
from support.waiting import stays, wait_for

CREATED, CHANGED = "customer.created.v1", "customer.event.v1"


def by_standard_webhooks(delivery: Delivery, secret: str) -> None:
    standardwebhooks.Webhook(secret).verify(delivery.raw, delivery.headers)


def by_svix(delivery: Delivery, secret: str) -> None:
    svix.webhooks.Webhook(secret).verify(delivery.raw, delivery.headers)


def by_the_sdk(delivery: Delivery, secret: str) -> None:
    client = straddle.StraddleAPI(base_url="http://127.0.0.1", bearer="none", webhook_secret=secret)
    client.webhooks.unwrap(delivery.raw.decode(), headers=delivery.headers)


LIBRARIES = [by_standard_webhooks, by_svix, by_the_sdk]


def verifies(delivery: Delivery, secret: str) -> bool:
    """Whether it does; all libraries must be of one opinion."""
    opinions = set()
    for library in LIBRARIES:
        try:
            library(delivery, secret)
            opinions.add(True)
        except (standardwebhooks.WebhookVerificationError, svix.webhooks.WebhookVerificationError):
            opinions.add(False)
    assert len(opinions) == 1, "the libraries disagree"
    return opinions.pop()


class Signed:
    """A registration for signed events and its secret."""

    def __init__(self, partner: Partner, endpoint: Endpoint, name: str) -> None:
        self.partner, self.endpoint = partner, endpoint
        made = partner.register(name, endpoint.url)
        self.id, self.secret = made["id"], samples.private(made["signingSecret"])

    @property
    def path(self) -> str:
        return f"{REGISTRATIONS}/{self.id}"

    def rotate(self, **body) -> dict:
        answered = self.partner.api.post(f"{self.path}/rotate-secret", body).expect(200)
        samples.private(answered["signingSecret"])
        return answered

    def next_delivery(self) -> Delivery:
        before = len(self.endpoint.deliveries)
        self.partner.onboard()
        return self.endpoint.wait_for_deliveries(before + 1)[before]


@pytest.fixture
def signed(partner: Partner, receiver: Receiver) -> Iterator[Signed]:
    made = Signed(partner, receiver.endpoint(), CREATED)
    yield made
    partner.api.delete(made.path).expect(200)


@pytest.mark.parametrize("library", LIBRARIES)
def test_receivers_libraries_verify_what_arrives(signed: Signed, library) -> None:
    delivery = signed.next_delivery()
    library(delivery, signed.secret)


def test_nothing_else_verifies(signed: Signed) -> None:
    delivery = signed.next_delivery()
    assert verifies(delivery, signed.secret)
    changed = copy.deepcopy(delivery)
    changed.raw = delivery.raw.replace(b'"individual"', b'"individuaL"')
    assert changed.raw != delivery.raw and not verifies(changed, signed.secret)
    for name, value in (
        ("webhook-id", samples.unknown_id()),
        ("webhook-timestamp", str(int(time.time()) - 301)),
        ("webhook-timestamp", str(int(delivery.headers["webhook-timestamp"]) - 1)),
    ):
        other = copy.deepcopy(delivery)
        other.headers[name] = value
        assert not verifies(other, signed.secret), name
    assert not verifies(delivery, "whsec_" + "A" * 32)


def test_the_envelope_is_the_contract_s(signed: Signed) -> None:
    customer = signed.partner.onboard()
    delivery = signed.endpoint.wait_for_deliveries(1)[0]
    body = json.loads(delivery.raw)
    assert set(body) == {"event_type", "event_id", "account_id", "data"}
    assert (body["event_type"], body["account_id"]) == (CREATED, signed.partner.id)
    assert body["event_id"] == delivery.headers["webhook-id"]
    data = body["data"]
    assert data["id"] == customer["id"]
    assert data["name"] == f"{customer['name']['firstName']} {customer['name']['lastName']}"
    assert data["compliance_profile"]["ssn"] == "***-**-****" and data["compliance_profile"]["dob"] == "****-**-**"
    assert delivery.headers["content-type"] == "application/json"
    shown = signed.partner.event(body["event_id"])
    assert (shown["eventName"], shown["resources"]) == (CREATED, [f"v1/customers/{customer['id']}"])


def test_a_change_is_told_with_the_customer_as_it_is_now(partner: Partner, receiver: Receiver) -> None:
    signed = Signed(partner, receiver.endpoint(), CHANGED)
    customer = partner.screened(partner.onboard()["id"])
    name = {"firstName": samples.word(), "lastName": samples.word()}
    partner.api.put(f"{CUSTOMERS}/{customer['id']}/name", name).expect(200)
    renamed = f"{name['firstName']} {name['lastName']}"

    def told() -> list[Delivery]:
        return [one for one in signed.endpoint.deliveries if json.loads(one.raw)["data"]["name"] == renamed]

    while not told():
        signed.endpoint.wait_for_deliveries(len(signed.endpoint.deliveries) + 1)
    assert verifies(told()[-1], signed.secret)
    ids = [one.headers["webhook-id"] for one in signed.endpoint.deliveries]
    assert len(ids) == len(set(ids)), "a change is told once"
    partner.api.delete(signed.path).expect(200)


def test_of_the_events_of_one_change_one_is_told_however_often_they_come(bundle: Bundle, partner: Partner, receiver: Receiver) -> None:
    signed = Signed(partner, receiver.endpoint(), CHANGED)
    customer = partner.screened(partner.onboard()["id"])
    # Nothing that is reviewed, so that no further change follows.
    partner.api.post(f"{CUSTOMERS}/{customer['id']}/identifications", samples.identification()).expect(200)

    def changes() -> set[str]:
        return {record["dynamodb"]["NewImage"]["occurred_at"]["S"] for record in bundle.stream_records(partner.id, customer["id"])}

    def told() -> int:
        # Those of other tests' customers come here too.
        return sum(json.loads(one.raw)["data"]["id"] == customer["id"] for one in list(signed.endpoint.deliveries))

    wait_for("every change to be told", lambda: told() == len(changes()) >= 3)
    records = bundle.stream_records(partner.id, customer["id"])
    assert len(records) > len(changes()), "the scans move, and with them what they amount to"
    for batch in (records, list(reversed(records)), [records[0]] * 5):
        bundle.invoke("event-fanout", {"Records": batch})
    stays("what was told", told, len(changes()), 1.5)
    partner.api.delete(signed.path).expect(200)


def test_a_retry_and_a_resend_keep_the_id_and_are_signed_anew(bundle: Bundle, partner: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint(in_turn(redirect("https://example.com/"), answer(200)))
    signed = Signed(partner, endpoint, CREATED)
    partner.onboard()
    first, second = endpoint.wait_for_deliveries(2)
    event = first.headers["webhook-id"]
    assert second.at - first.at >= 5
    partner.api.post(f"{EVENTS}/{event}/resend").expect(200)
    third = endpoint.wait_for_deliveries(3)[2]
    assert {one.headers["webhook-id"] for one in (first, second, third)} == {event}
    assert len({one.headers["webhook-timestamp"] for one in (first, second)}) == 2
    for delivery in (first, second, third):
        assert verifies(delivery, signed.secret)
    partner.api.delete(signed.path).expect(200)


def test_two_secrets_overlap_and_one_remains(bundle: Bundle, signed: Signed) -> None:
    answered = signed.rotate(overlapHours=1)
    new = answered["signingSecret"]
    delivery = signed.next_delivery()
    assert verifies(delivery, signed.secret) and verifies(delivery, new)
    assert len(delivery.headers["webhook-signature"].split(" ")) == 2
    shown = signed.partner.registration(signed.id)
    assert shown["previousSecretsEndAt"] == answered["previousSecretsEndAt"] and "signingSecret" not in shown
    at_once = signed.rotate(overlapHours=0)["signingSecret"]
    delivery = signed.next_delivery()
    assert verifies(delivery, at_once) and not verifies(delivery, new) and not verifies(delivery, signed.secret)


def test_a_ping_verifies_too(signed: Signed) -> None:
    signed.partner.api.put(f"{signed.path}/ping").expect(200)
    delivery = signed.endpoint.wait_for_deliveries(1)[0]
    assert json.loads(delivery.raw)["event_type"] == "webhook.ping.v1"
    for library in (by_standard_webhooks, by_svix):
        library(delivery, signed.secret)


def test_a_secret_is_sealed_in_the_table(bundle: Bundle, signed: Signed) -> None:
    item = bundle.webhook_table.get_item(Key={"pk": f"P#{signed.partner.id}#R", "sk": signed.id}, ConsistentRead=True)["Item"]
    assert len(item["secrets"]) == 1
    assert signed.secret.removeprefix("whsec_") not in str(item)


def test_signed_events_are_pushed_in_their_one_format(partner: Partner, receiver: Receiver) -> None:
    push = samples.registration(partner.id, CREATED, receiver.endpoint().url)
    poll = samples.registration(partner.id, CREATED, None)
    for body in (poll, {**push, "format": "Extended"}):
        assert partner.api.post(REGISTRATIONS, body).codes() == [1009]
    unsigned = partner.register("Core.Customer.Onboarded", push["callbackUrl"])
    assert "signingSecret" not in unsigned
    path = f"{REGISTRATIONS}/{unsigned['id']}"
    assert partner.api.post(f"{path}/rotate-secret").error() == 2005
    assert partner.api.put(path, push).codes() == [1009]
    partner.api.delete(path).expect(200)
