"""Idempotency keys, exactly by the contract (cos.md §2.3): same endpoint, same body, same key; and nothing else."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import samples
from support.bundle import CUSTOMERS, EVENTS, REGISTRATIONS, Bundle, Partner
from support.receiver import Receiver
from support.waiting import wait_for


def count_customers(partner: Partner, tax_id: str) -> int:
    return len(partner.api.get(CUSTOMERS, {"taxId": tax_id}).expect(200)["results"])


def test_a_replay_is_the_first_answer_and_names_its_request(partner: Partner) -> None:
    body, key = samples.person(partner.id), samples.unknown_id()
    first = partner.api.post(CUSTOMERS, body, key=key)
    made = first.expect(200)
    assert "original-request-id" not in first.headers
    for _ in range(3):
        again = partner.api.post(CUSTOMERS, body, key=key)
        assert (again.status, again.text) == (200, first.text)
        assert again.headers["original-request-id"] == first.headers["request-id"]
        assert again.headers["request-id"] != first.headers["request-id"]
    assert count_customers(partner, body["profile"]["taxId"]) == 1
    # What has happened since does not matter: the cached answer is returned.
    partner.screened(made["id"])
    partner.api.delete(f"{CUSTOMERS}/{made['id']}").expect(200)
    assert partner.api.post(CUSTOMERS, body, key=key).text == first.text


def test_white_space_and_order_do_not_make_another_body(partner: Partner) -> None:
    body, key = samples.person(partner.id), samples.unknown_id()
    first = partner.api.post(CUSTOMERS, body, key=key)
    spread = json.dumps(dict(reversed(body.items())), indent=4)
    again = partner.api.send("POST", CUSTOMERS, body=spread, headers={"Content-Type": "application/json", "idempotency-Key": key})
    assert again.expect(200)["id"] == first.expect(200)["id"]


def test_another_body_endpoint_key_or_partner_is_another_request(partner: Partner, stranger: Partner) -> None:
    body, key = samples.person(partner.id), samples.unknown_id()
    first = partner.api.post(CUSTOMERS, body, key=key).expect(200)
    changed = samples.merged(body, {"profile": {"riskRating": "High"}})
    others = [
        partner.api.post(CUSTOMERS, changed, key=key),
        partner.api.post(CUSTOMERS, body, key=samples.unknown_id()),
        partner.api.post(CUSTOMERS, body),
        stranger.api.post(CUSTOMERS, {**body, "partnerId": stranger.id}, key=key),
    ]
    ids = {first["id"], *(answer.expect(200)["id"] for answer in others)}
    assert len(ids) == len(others) + 1
    assert all("original-request-id" not in answer.headers for answer in others)
    # The same key and body on two customers' addresses are two requests.
    address = samples.address()
    one = partner.api.post(f"{CUSTOMERS}/{first['id']}/addresses", address, key=key).expect(200)
    two = partner.api.post(f"{CUSTOMERS}/{others[0].json()['id']}/addresses", address, key=key).expect(200)
    assert one["id"] != two["id"]


def test_ten_at_once_with_one_key_have_one_effect(bundle: Bundle, partner: Partner) -> None:
    body, key = samples.person(partner.id), samples.unknown_id()
    with ThreadPoolExecutor(max_workers=10) as pool:
        answers = list(pool.map(lambda _: partner.api.post(CUSTOMERS, body, key=key), range(10)))
    assert {answer.status for answer in answers} <= {200, 409}, [answer.status for answer in answers]
    done = [answer for answer in answers if answer.status == 200]
    assert done, "at least one went through"
    assert len({answer.text for answer in done}) == 1
    originals = [answer for answer in done if "original-request-id" not in answer.headers]
    assert len(originals) == 1
    replays = {answer.headers["original-request-id"] for answer in done if answer is not originals[0]}
    assert replays <= {originals[0].headers["request-id"]}
    for answer in answers:
        if answer.status == 409:
            assert answer.error(409) == 2002
    assert count_customers(partner, body["profile"]["taxId"]) == 1
    made = originals[0].json()
    assert len(bundle.items(partner.id, made["id"], "EVENT#")) >= 1
    onboarded = [item for item in bundle.items(partner.id, made["id"], "EVENT#") if "Onboarded" in repr(item)]
    assert len(onboarded) == 1
    assert partner.api.post(CUSTOMERS, body, key=key).text == originals[0].text


@pytest.mark.parametrize(("key", "accepted"), [
    ("k", True), ("k" * 50, True), ("k" * 51, False), (" ", False), ("a b", True), ("é", False), ("", None),
], ids=repr)
def test_which_keys_are_keys(partner: Partner, key: str, accepted: bool | None) -> None:
    body = json.dumps(samples.person(partner.id))
    headers = {"Content-Type": "application/json", "Idempotency-Key": key.encode("latin-1").decode("latin-1")}
    answer = partner.api.send("POST", CUSTOMERS, body=body, headers=headers)
    if accepted:
        assert answer.status == 200
    else:
        assert answer.error() == 1022


def test_keys_are_ignored_where_the_contract_says_so(partner: Partner) -> None:
    made = partner.onboard()
    path = f"{CUSTOMERS}/{made['id']}"
    key = samples.unknown_id()
    first = partner.api.get(path, **{"Idempotency-Key": key})
    partner.screened(made["id"])
    second = partner.api.get(path, **{"Idempotency-Key": key})
    assert "original-request-id" not in second.headers
    assert first.json()["ofac"] == "Pending" or second.json()["ofac"] == "Clear"
    phone = partner.api.post(f"{path}/phones", samples.phone()).expect(200)
    for expected in (200, 404):
        assert partner.api.delete(f"{path}/phones/{phone['id']}", **{"Idempotency-Key": key}).status == expected


def test_a_refused_request_leaves_its_key_free(partner: Partner) -> None:
    key = samples.unknown_id()
    wrong = samples.person(partner.id, {"profile": {"taxId": "1"}})
    for _ in range(2):
        refused = partner.api.post(CUSTOMERS, wrong, key=key)
        assert refused.status == 400
        assert "original-request-id" not in refused.headers
    made = partner.onboard()
    path = f"{CUSTOMERS}/{made['id']}/ofac-decision"
    partner.screened(made["id"])
    assert partner.api.post(path, {"decision": "Clear", "reason": "x"}, key=key).error() == 2005


def test_contacts_updates_and_decisions_replay_as_well(bundle: Bundle, partner: Partner) -> None:
    made = partner.onboard()
    partner.screened(made["id"])
    path = f"{CUSTOMERS}/{made['id']}"

    def written() -> int:
        """What the caller's requests left; the review that follows another identity writes to the chain as well."""
        return len([entry for entry in bundle.audit(partner.id, made["id"]) if entry["client"] != "scan-worker"])

    calls = [
        ("POST", f"{path}/phones", samples.phone()),
        ("PUT", f"{path}/due-diligence", samples.due_diligence()),
        ("PUT", f"{path}/name", {"firstName": samples.word(), "lastName": samples.word()}),
    ]
    for method, target, body in calls:
        send = partner.api.post if method == "POST" else partner.api.put
        key = samples.unknown_id()
        first = send(target, body, key=key)
        assert first.status == 200
        audit = written()
        again = send(target, body, key=key)
        assert (again.status, again.text) == (200, first.text), target
        assert again.headers["original-request-id"] == first.headers["request-id"]
        assert written() == audit, "a replay leaves no trace on the customer"


def test_registrations_pings_and_resends_replay_as_well(partner: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint()
    body = samples.registration(partner.id, "Core.Customer.Email.Added", endpoint.url)
    key = samples.unknown_id()
    first, again = (partner.api.post(REGISTRATIONS, body, key=key) for _ in range(2))
    assert first.expect(200) == again.expect(200)
    assert again.headers["original-request-id"] == first.headers["request-id"]
    ping = f"{REGISTRATIONS}/{first.json()['id']}/ping"
    pings = [partner.api.put(ping, key=key).expect(200)["id"] for _ in range(3)]
    assert len(set(pings)) == 1
    endpoint.wait_for_deliveries(1)
    wait_for("the ping is delivered", lambda: partner.event(pings[0])["status"] == "Success")
    sent = [partner.api.post(f"{EVENTS}/{pings[0]}/resend", key=key) for _ in range(3)]
    assert len({answer.text for answer in sent}) == 1
    endpoint.wait_for_deliveries(2)
    wait_for("the resend is delivered", lambda: partner.event(pings[0])["status"] == "Success")
    assert endpoint.ids() == [pings[0]] * 2


def test_a_record_does_not_show_the_answer_it_keeps(bundle: Bundle, partner: Partner) -> None:
    body, key = samples.person(partner.id), samples.unknown_id()
    partner.api.post(CUSTOMERS, body, key=key).expect(200)
    pages = bundle.dynamodb.get_paginator("scan").paginate(
        TableName=bundle.outputs["CustomerTable"], FilterExpression="sk = :kind", ExpressionAttributeValues={":kind": {"S": "IDEMPOTENCY"}},
    )
    records = [item for page in pages for item in page["Items"]]
    assert records
    for record in records:
        text = repr(record)
        for private in (body["name"]["firstName"], body["profile"]["taxId"], key):
            assert private not in text
        # Seven days, to the day.
        assert "expiresAt" in record
