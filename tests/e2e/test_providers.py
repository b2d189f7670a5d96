"""Who confirms identities and addresses, over real HTTP: settings, key, answers, and what becomes of it when none comes."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from support import samples
from support.bundle import Bundle, Partner
from support.identity_stub import IdentityStub
from support.waiting import wait_for

PAYERS = "/v1/customers"
CONFIRMED = {name: True for name in ("firstName", "lastName", "address", "city", "state", "zip", "phone", "email", "birthDate", "taxId")}


@pytest.fixture(scope="module")
def stub(bundle: Bundle) -> Iterator[IdentityStub]:
    """The services, their keys in the stack's secrets, and every function that reviews told of them."""
    key = samples.sealed(f"key-{samples.unknown_id()}")
    secrets = bundle.client("secretsmanager")
    names = [bundle.outputs[output] for output in ("IdentityProviderSecret", "AddressProviderSecret")]
    before = [secrets.get_secret_value(SecretId=name)["SecretString"] for name in names]
    with IdentityStub(key) as running, ExitStack() as configured:
        for name in names:
            secrets.put_secret_value(SecretId=name, SecretString=json.dumps({"key": key}))
        for function in ("customer-create", "customer-update", "scan-worker"):
            configured.enter_context(
                bundle.configured(function, IDENTITY_PROVIDER_URL=running.url, ADDRESS_PROVIDER_URL=f"{running.url}/"))
        yield running
    for name, text in zip(names, before):
        secrets.put_secret_value(SecretId=name, SecretString=text)


@contextmanager
def saying(stub: IdentityStub, **changes) -> Iterator[None]:
    """The stub says or does something else for a while."""
    before = {name: getattr(stub, name) for name in changes}
    for name, value in changes.items():
        setattr(stub, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(stub, name, value)


def applicant(**changes) -> dict:
    """Somebody of whom nothing but a provider can say whether the number is theirs."""
    return samples.merged({
        "name": f"{samples.word()} {samples.word()}", "type": "individual", "email": samples.email_address(),
        "phone": samples.private(f"+177555501{samples.digits(2, '0123456789')}"), "device": {"ip_address": "0.0.0.0"},
        "address": {"address1": f"{samples.digits(3)} {samples.word()} St", "city": "Reno", "state": "NV", "zip": "89501"},
        "compliance_profile": {
            "ssn": samples.private(f"2{samples.digits(2)}-{samples.digits(2)}-{samples.digits(4)}"),
            "dob": samples.private(f"19{samples.digits(2, '678')}-0{samples.digits(1)}-1{samples.digits(1)}"),
        },
    }, changes)


def taken_on(partner: Partner, sent: dict) -> tuple[dict, dict]:
    """The customer and its review."""
    made = partner.api.post(PAYERS, sent).expect(201)["data"]
    return made, review(partner, made["id"])


def review(partner: Partner, customer_id: str) -> dict:
    return partner.api.get(f"{PAYERS}/{customer_id}/review").expect(200)["data"]["identity_details"]


def test_a_confirmed_identity_is_verified_within_the_request(partner: Partner, stub: IdentityStub) -> None:
    sent = applicant()
    with saying(stub, identity=CONFIRMED):
        made, found = taken_on(partner, sent)
    assert made["status"] == "verified", found
    assert found["kyc"]["decision"] == "accept" and all(found["kyc"]["validations"].values())
    assert "I711" in found["breakdown"]["address"]["codes"]
    assert not {"G003", "G004"} & set(found["messages"])
    asked = stub.said_of("/identity")
    assert asked.authorization == f"Bearer {stub.key}"
    first, last = sent["name"].split()
    assert (asked.body["firstName"], asked.body["lastName"]) == (first, last)
    assert asked.body["taxId"] == sent["compliance_profile"]["ssn"].replace("-", "")
    assert asked.body["birthDate"] == sent["compliance_profile"]["dob"]
    assert stub.said_of("/address").body["postalCode"] == "89501"


def test_what_a_provider_knows_against_somebody_counts(partner: Partner, stub: IdentityStub) -> None:
    with saying(stub, identity={**CONFIRMED, "deceased": True}):
        made, found = taken_on(partner, applicant())
    assert (made["status"], found["decided_by"]["rule"]) == ("rejected", "kyc.reject")
    with saying(stub, identity=CONFIRMED, address={"deliverability": "undeliverable"}):
        made, found = taken_on(partner, applicant())
    assert made["status"] == "review" and "R703" in found["breakdown"]["address"]["codes"]


@pytest.mark.parametrize("trouble", ["no answer in time", "another key"])
def test_an_answer_that_does_not_come_confirms_nothing_and_is_told(bundle: Bundle, partner: Partner, stub: IdentityStub, trouble: str) -> None:
    changed = {"delay_seconds": 6.0} if trouble == "no answer in time" else {"key": "rotated"}
    with saying(stub, identity=CONFIRMED, **changed):
        answer = partner.api.post(PAYERS, applicant())
    made = answer.expect(201)["data"]
    assert answer.seconds < 6, "the request does not wait for ever"
    found = review(partner, made["id"])
    assert (made["status"], found["kyc"]["decision"]) == ("review", "review")
    assert found["kyc"]["validations"].get("ssn") is None
    assert {"G003", "G004"} <= set(found["messages"])
    # Asked again when it answers, the same customer is verified: by the worker, which asks the same.
    with saying(stub, identity=CONFIRMED):
        partner.api.put(f"{PAYERS}/{made['id']}/refresh_review").expect(202)
        wait_for("the worker's review", lambda: partner.api.get(f"{PAYERS}/{made['id']}").expect(200)["data"]["status"] == "verified")


def test_without_a_provider_nothing_is_claimed(bundle: Bundle, partner: Partner, stub: IdentityStub) -> None:
    with bundle.configured("customer-create", IDENTITY_PROVIDER_URL="", ADDRESS_PROVIDER_URL=""):
        made, found = taken_on(partner, applicant())
    assert (made["status"], found["kyc"]["decision"]) == ("review", "review")
    assert not {"G003", "G004"} & set(found["messages"])
