"""Many requests for one session or subject at the same time: what is counted, sent and confirmed is exact."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Semaphore

import pytest
from support import samples
from support.api import Answer
from support.bundle import Bundle, Partner
from support.ekyc import Ekyc, Subject, of_state, wrong


@pytest.fixture(scope="module")
def ekyc(bundle: Bundle, partner: Partner) -> Ekyc:
    return Ekyc(bundle, partner)


# Each request under way is a process of the function on this machine; with more of them, its own limits are what is tested.
MOST_UNDER_WAY = 64


def at_once(requests: list[Callable[[], Answer]]) -> list[Answer]:
    """All of them together; a request that met too many others is repeated, as its answer says."""
    workers = min(len(requests), MOST_UNDER_WAY)
    start, first = Barrier(workers), Semaphore(workers)

    def run(request: Callable[[], Answer]) -> Answer:
        if first.acquire(blocking=False):
            start.wait()
        for _ in range(20):
            answer = request()
            # 429 is the functions' service at its own limit, 409 the product's: neither has done anything.
            if answer.status not in (409, 429, 500, 502) or answer.status in (500, 502) and "TooManyRequests" not in answer.text:
                return answer
        return answer

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(run, requests))


def states(answers: list[Answer]) -> Counter:
    return Counter(answer.expect(200)["state"] for answer in answers)


def events(ekyc: Ekyc, subject: Subject, step: str) -> int:
    items = ekyc.bundle.items(ekyc.partner.id, subject.customer["id"], "EVENT#")
    return sum(f"'{step}'" in str(item) and "EkycSession" in str(item) for item in items)


def test_two_hundred_guesses_count_as_three(ekyc: Ekyc) -> None:
    subject = ekyc.application()
    begun = subject.begun()
    code = ekyc.code(subject)
    guesses = [wrong(code, by) for by in range(1, 201)]
    found = states(at_once([lambda guess=guess: subject.validate(begun["authId"], guess) for guess in guesses]))
    assert found == {"invalid": 2, "failed": 198}
    [journey] = [item for item in ekyc.items(subject) if item["sk"].startswith("JOURNEY#otp#")]
    assert 3 in [value for name, value in journey.items() if "invalid" in name.lower() or "wrong" in name.lower()], journey
    of_state(subject.validate(begun["authId"], code), "failed")
    assert ekyc.verified(subject, "phone") is None
    assert (events(ekyc, subject, "Failed"), events(ekyc, subject, "Authenticated")) == (1, 0)


def test_a_right_code_among_many_wrong_ones_is_the_only_one_that_counts(ekyc: Ekyc) -> None:
    """Whoever comes first: a wrong code never authenticates, and no more than three are counted."""
    subject = ekyc.application()
    begun = subject.begun()
    code = ekyc.code(subject)
    guesses = [code, *(wrong(code, by) for by in range(1, 40))]
    found = states(at_once([lambda guess=guess: subject.validate(begun["authId"], guess) for guess in guesses]))
    assert found["invalid"] <= 3 and sum(found.values()) == 40
    if found["authenticated"]:
        assert events(ekyc, subject, "Authenticated") == 1 and events(ekyc, subject, "Failed") == 0
    else:
        assert events(ekyc, subject, "Failed") == 1 and ekyc.verified(subject, "phone") is None


def test_fifty_right_codes_authenticate_once(ekyc: Ekyc) -> None:
    subject = ekyc.application()
    begun = subject.begun()
    code = ekyc.code(subject)
    found = states(at_once([lambda: subject.validate(begun["authId"], code)] * 50))
    assert found == {"authenticated": 50}
    assert events(ekyc, subject, "Authenticated") == 1
    chain = ekyc.bundle.audit(ekyc.partner.id, subject.customer["id"])
    assert [entry["action"] for entry in chain].count("Prove") == 1, "the customer record is changed once"
    assert ekyc.verified(subject, "phone")["authId"] == begun["authId"]


def test_fifty_initiates_send_three_messages(ekyc: Ekyc) -> None:
    subject = ekyc.application()
    numbers = [samples.uk_mobile() for _ in range(50)]
    found = states(at_once([lambda number=number: subject.initiate(body={"mobileNumber": number}) for number in numbers]))
    assert found == {"initiated": 3, "noMoreCodes": 47}
    assert sum(len(ekyc.outbox.texts(number)) for number in numbers) == 3


def test_fifty_clicks_send_one_message(ekyc: Ekyc) -> None:
    # The last click may come long after the first one on a busy machine; all are to be within the window.
    ekyc.configure(merchant="patient", duplicateWindowInMilliseconds=60_000)
    subject = ekyc.application()
    found = states(at_once([lambda: subject.initiate(headers={"Merchant-Id": "patient"})] * 50))
    assert found == {"initiated": 1, "duplicate": 49}
    assert len(ekyc.outbox.texts(subject.mobile)) == 1


def test_twenty_penny_drops_pay_two_pennies(ekyc: Ekyc) -> None:
    subject = ekyc.application()
    accounts = [samples.bank_account() for _ in range(20)]
    found = states(at_once([lambda account=account: subject.drop(account) for account in accounts]))
    assert found == {"initiated": 2, "noMoreCodes": 18}
    assert sum(len(ekyc.bank.statement(account)) for account in accounts) == 2
