"""Looks for codes, destinations and account numbers of the whole run in everything that is kept or told.

Invariant: the search is proved to find what it looks for before it finds nothing.
"""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
from support import samples
from support.bundle import Bundle
from support.ekyc import Ekyc, code_in, of_state, wrong
from support.receiver import Receiver
from support.waiting import wait_for

_RUN = re.compile(r"[^\W_]+")
# Shorter values are looked for as a whole word: eight digits lie in a longer number by chance.
_LONG = 10


def leaks(text: str, values: set[str]) -> set[str]:
    """The values that stand in a text."""
    words = set(_RUN.findall(samples.ID_HEAD.sub("", text)))
    return {value for value in values if (value in text if len(value) >= _LONG else value in words)}


def readable(item: object) -> str:
    """An item with its bytes as the characters that they would be, in case something was only encoded."""
    if isinstance(item, bytes):
        return item.decode("latin-1")
    if isinstance(item, dict):
        return " ".join(f"{readable(name)} {readable(value)}" for name, value in item.items())
    if isinstance(item, (list, set, tuple)):
        return " ".join(map(readable, item))
    return str(getattr(item, "value", item))


def stored(bundle: Bundle) -> Iterator[tuple[str, str]]:
    for table in bundle.dynamodb.list_tables()["TableNames"]:
        for page in bundle.dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield f"{table} {item['pk']['S']} {item['sk']['S']}", readable(item)


def logged(bundle: Bundle) -> Iterator[tuple[str, str]]:
    for group in bundle.log_groups():
        for page in bundle.logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            for event in page["events"]:
                yield group, event["message"]


def queued(bundle: Bundle) -> Iterator[tuple[str, str]]:
    for url in bundle.queues.list_queues().get("QueueUrls", []):
        address = f"{bundle.environment['endpoint']}/_ministack/sqs/messages?{urllib.parse.urlencode({'QueueUrl': url})}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            yield url, json.dumps(json.load(answer))


@pytest.fixture(scope="module")
def told(bundle: Bundle, receiver: Receiver) -> str:
    """A run of everything with codes too long to stand anywhere by chance; answers and webhooks of it."""
    partner = bundle.new_partner()
    ekyc = Ekyc(bundle, partner)
    endpoints = [receiver.endpoint() for _ in range(3)]
    for step, endpoint in zip(("Initiated", "Authenticated", "Failed"), endpoints):
        partner.register(f"Ekyc.Session.{step}", endpoint.url)
    ekyc.configure(otpCodeLength=10)
    ekyc.configure("pennydrop", pennyDropCodeLength=6)
    said, ended = [], []
    for subject in (ekyc.application(), ekyc.account()):
        begun = subject.initiate(key="key")
        code = ekyc.code(subject)
        auth_id = of_state(begun, "initiated")["authId"]
        said += [begun, subject.validate(auth_id, wrong(code)), subject.resend(auth_id)]
        said += [subject.validate(auth_id, ekyc.code(subject, sends=2)), subject.session(auth_id), ekyc.api.get(subject.path)]
        address = subject.body["contact"]["email"]
        mailed = subject.initiate(body={"email": address, "journeyId": "mail"})
        code = code_in(ekyc.outbox.mails(address)[-1]["BodyText"])
        said += [mailed] + [subject.validate(of_state(mailed, "initiated")["authId"], wrong(code, by)) for by in (1, 2, 3)]
        account = samples.bank_account()
        dropped = subject.drop(account, key="penny")
        said += [dropped, subject.validate(of_state(dropped, "initiated")["authId"], ekyc.bank.code(account), "pennydrop")]
        said += [ekyc.api.get(f"/core/v1/cm/customers/{subject.customer['id']}")]
        # A request that is refused quotes nothing.
        said += [subject.initiate(body={"mobileNumber": f"{samples.uk_mobile()}0"}), subject.validate(auth_id, f"{code}0")]
        # A name that does not match, and a penny that comes back after its code did.
        said += [subject.drop(samples.bank_account("01"), journey="names")]
        account = samples.bank_account("23")
        returned = subject.drop(account, journey="returned")
        auth_id = of_state(returned, "initiated")["authId"]
        said += [returned, subject.validate(auth_id, ekyc.bank.code(account), "pennydrop")]
        ended.append((subject, auth_id))
    for _ in range(3):
        ekyc.reconcile_after_pause()
    for subject, auth_id in ended:
        said.append(subject.session(auth_id, "pennydrop"))
        of_state(said[-1], "failed")
    wait_for("all webhooks", lambda: all(len(endpoint.deliveries) >= most for endpoint, most in zip(endpoints, (8, 6, 4))))
    # The number of an account is its name in the contract; it stands in the path and in the account's own answer.
    accounts = {value for value in samples.SEALED if len(value) == 19}
    texts = [answer.text for answer in said] + [delivery.raw.decode() for endpoint in endpoints for delivery in endpoint.deliveries]
    return "\n".join(text for text in texts if not (leaks(text, accounts) and '"accountNumber"' in text))


def test_the_search_finds_what_it_looks_for() -> None:
    values = {"0123456789", "654321", "jane@bank.example"}
    for text in ('{"code":"0123456789"}', "x0123456789x", "to 654321.", readable({"a": {"B": b"..jane@bank.example.."}})):
        assert leaks(text, values), text
    assert not leaks("id 16543210 at 10:01:23.456789Z", values)
    account = {"20193145"}
    for text in ('"bankAccount":"20193145"', "P#20193145-1", "20193145-6a5c"):
        assert leaks(text, account), text
    assert not leaks("P#20193145-6a5c-4f0e-8d5b-0a1b2c3d4e5f#C", account)


def test_answers_and_webhooks_carry_no_code_and_no_destination(told: str) -> None:
    assert len(samples.SEALED) > 20
    assert leaks(told, samples.SEALED) == set()


def test_nothing_stored_logged_or_queued_holds_a_code_a_destination_or_an_account(bundle: Bundle, told: str) -> None:
    assert told
    places = 0
    for look in (stored, logged, queued):
        found = {}
        for where, text in look(bundle):
            places += 1
            if values := leaks(text, samples.SEALED):
                found[where] = values
        assert not found, f"{look.__name__}: {found}"
    assert places > 100, "the search has seen the run"
