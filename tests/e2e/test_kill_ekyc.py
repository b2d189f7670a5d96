"""Ends the eKYC functions at every step that anybody outside can see, for real.

Afterwards nobody has got a second penny, no session is lost, and what was counted is neither more nor less than what was
sent or tried.
"""

import pytest
from support import samples
from support.api import Answer
from support.bundle import Bundle, FunctionFailed, Partner
from support.ekyc import Ekyc, Subject, of_state, wrong


@pytest.fixture(scope="module")
def ekyc(bundle: Bundle, partner: Partner) -> Ekyc:
    return Ekyc(bundle, partner)


def dies(ekyc: Ekyc, function: str, step: str, request) -> Answer:
    """The request's process ends at a step; its caller gets an error of the service."""
    with ekyc.bundle.configured(function, GATEHOUSE_FAILPOINT=step):
        answer = request()
    assert answer.status >= 500 and "state" not in answer.text, f"{answer.request} answered {answer.status}: the fail point did not end it"
    return answer


def session_of(ekyc: Ekyc, subject: Subject) -> str:
    """The id of the only session; its caller never learned it."""
    [item] = [item for item in ekyc.items(subject) if item["sk"].startswith("AUTH#")]
    return item["sk"].removeprefix("AUTH#")


@pytest.fixture
def subject(ekyc: Ekyc) -> Subject:
    return ekyc.application()


# ---- passcodes

def test_an_initiate_that_ends_before_the_send_can_be_gone_on_with(ekyc: Ekyc, subject: Subject) -> None:
    dies(ekyc, "otp-initiate", "otp.reserved", lambda: subject.initiate(key="once"))
    assert ekyc.outbox.texts(subject.mobile) == []
    again = of_state(subject.initiate(key="once"), "duplicate")
    sent = of_state(subject.resend(again["authId"]), "initiated")
    assert sent["remainingPasscodes"] == 1, "the slot that was taken stays taken"
    of_state(subject.validate(again["authId"], ekyc.code(subject)), "authenticated")


def test_an_initiate_that_ends_after_the_send_loses_no_session(ekyc: Ekyc, subject: Subject) -> None:
    dies(ekyc, "otp-initiate", "otp.sent", lambda: subject.initiate(key="once"))
    again = of_state(subject.initiate(key="once"), "duplicate")
    assert again["remainingPasscodes"] == 2
    of_state(subject.validate(again["authId"], ekyc.code(subject)), "authenticated")


def test_an_initiate_that_ends_after_its_record_is_repeated_word_for_word(ekyc: Ekyc, subject: Subject) -> None:
    dies(ekyc, "otp-initiate", "otp.initiated", lambda: subject.initiate(key="once"))
    again = of_state(subject.initiate(key="once"), "initiated")
    of_state(subject.validate(again["authId"], ekyc.code(subject)), "authenticated")


def test_a_resend_that_ends_before_the_send_costs_one_code(ekyc: Ekyc, subject: Subject) -> None:
    begun = subject.begun()
    first = ekyc.code(subject)
    dies(ekyc, "otp-resend", "otp.renewed", lambda: subject.resend(begun["authId"]))
    of_state(subject.validate(begun["authId"], first), "invalid")
    again = of_state(subject.resend(begun["authId"]), "initiated")
    assert again["remainingPasscodes"] == 0
    of_state(subject.validate(begun["authId"], ekyc.code(subject, sends=2)), "authenticated")


def test_a_resend_that_ends_after_the_send_loses_no_code(ekyc: Ekyc, subject: Subject) -> None:
    begun = subject.begun()
    dies(ekyc, "otp-resend", "otp.resent", lambda: subject.resend(begun["authId"]))
    of_state(subject.validate(begun["authId"], ekyc.code(subject, sends=2)), "authenticated")


@pytest.mark.parametrize("step", ["otp.counted", "otp.compared"])
def test_an_attempt_that_was_never_settled_holds_its_place_and_another_one_works(ekyc: Ekyc, subject: Subject, step: str) -> None:
    """Its place is written off as a wrong code when nobody can be working on it any more; until then it is neither."""
    begun = subject.begun()
    code = ekyc.code(subject)
    dies(ekyc, "otp-validate", step, lambda: subject.validate(begun["authId"], code))
    assert ekyc.verified(subject, "phone") is None
    assert of_state(subject.validate(begun["authId"], wrong(code)), "invalid")["remainingAttempts"] == 2
    of_state(subject.validate(begun["authId"], code), "authenticated")
    assert ekyc.verified(subject, "phone")["authId"] == begun["authId"]


def test_an_attempt_that_was_settled_is_done(ekyc: Ekyc, subject: Subject) -> None:
    begun = subject.begun()
    code = ekyc.code(subject)
    dies(ekyc, "otp-validate", "otp.settled", lambda: subject.validate(begun["authId"], code))
    of_state(subject.session(begun["authId"]), "authenticated")
    of_state(subject.validate(begun["authId"], wrong(code)), "authenticated")


# ---- the penny drop

def test_a_drop_that_ends_before_the_payment_pays_nothing_and_gives_its_slot_back(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account()
    dies(ekyc, "penny-drop-initiate", "pennydrop.reserved", lambda: subject.drop(account))
    pending = of_state(subject.session(session_of(ekyc, subject), "pennydrop"), "initiated")
    assert (pending["remainingPasscodes"], pending["additionalInfo"]["payment"]) == (1, "pending")
    ekyc.reconcile_after_pause()
    of_state(subject.session(session_of(ekyc, subject), "pennydrop"), "initiated"), "one look is not enough"
    ekyc.reconcile_after_pause()
    assert ekyc.bank.statement(account) == []
    of_state(subject.session(session_of(ekyc, subject), "pennydrop"), "notFound", 404)
    assert of_state(subject.drop(account), "initiated")["remainingPasscodes"] == 1
    assert len(ekyc.bank.statement(account)) == 1


def test_a_drop_that_ends_before_the_name_check_has_counted_it(ekyc: Ekyc, subject: Subject) -> None:
    """What was counted and perhaps asked counts; the sixth in a day is the last."""
    account = samples.bank_account()
    dies(ekyc, "penny-drop-initiate", "pennydrop.checking", lambda: subject.drop(account))
    asked = ekyc.bank.name_checks()
    for _ in range(5):
        of_state(subject.drop(samples.bank_account("01")), "invalidBankDetails")
    assert subject.drop(samples.bank_account("01")).status == 429
    assert ekyc.bank.name_checks() == asked + 5


def test_a_drop_that_ends_after_the_payment_pays_no_second_penny(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account()
    dies(ekyc, "penny-drop-initiate", "pennydrop.paid", lambda: subject.drop(account, key="once"))
    repeated = of_state(subject.drop(account, key="once"), "duplicate")
    assert len(ekyc.bank.statement(account)) == 1
    ekyc.reconcile_after_pause()
    seen = of_state(subject.session(repeated["authId"], "pennydrop"), "initiated")
    assert seen["remainingPasscodes"] == 1 and "payment" not in seen["additionalInfo"]
    of_state(subject.validate(repeated["authId"], ekyc.bank.code(account), "pennydrop"), "authenticated")
    assert len(ekyc.bank.statement(account)) == 1


def test_a_code_works_before_its_payment_was_noted(ekyc: Ekyc, subject: Subject) -> None:
    """Whoever knows the code has seen the penny."""
    account = samples.bank_account()
    dies(ekyc, "penny-drop-initiate", "pennydrop.paid", lambda: subject.drop(account))
    auth_id = session_of(ekyc, subject)
    of_state(subject.validate(auth_id, ekyc.bank.code(account), "pennydrop"), "authenticated")
    ekyc.reconcile_after_pause()
    of_state(subject.session(auth_id, "pennydrop"), "authenticated")
    assert len(ekyc.bank.statement(account)) == 1


def test_a_drop_that_ends_after_its_record_is_repeated_word_for_word(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account()
    dies(ekyc, "penny-drop-initiate", "pennydrop.initiated", lambda: subject.drop(account, key="once"))
    again = of_state(subject.drop(account, key="once"), "initiated")
    of_state(subject.validate(again["authId"], ekyc.bank.code(account), "pennydrop"), "authenticated")
    assert len(ekyc.bank.statement(account)) == 1


@pytest.mark.parametrize("step", ["pennydrop.counted", "pennydrop.compared"])
def test_a_penny_drops_attempt_that_was_never_settled(ekyc: Ekyc, subject: Subject, step: str) -> None:
    account = samples.bank_account()
    begun = of_state(subject.drop(account), "initiated")
    code = ekyc.bank.code(account)
    dies(ekyc, "penny-drop-validate", step, lambda: subject.validate(begun["authId"], code, "pennydrop"))
    assert ekyc.verified(subject, "bankAccount") is None
    of_state(subject.validate(begun["authId"], code, "pennydrop"), "authenticated")


def test_a_penny_drops_attempt_that_was_settled(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account()
    begun = of_state(subject.drop(account), "initiated")
    code = ekyc.bank.code(account)
    dies(ekyc, "penny-drop-validate", "pennydrop.settled", lambda: subject.validate(begun["authId"], code, "pennydrop"))
    of_state(subject.session(begun["authId"], "pennydrop"), "authenticated")


def test_a_reconciliation_that_ends_is_done_by_the_next(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account()
    dies(ekyc, "penny-drop-initiate", "pennydrop.paid", lambda: subject.drop(account))
    with ekyc.bundle.configured("penny-drop-reconcile", GATEHOUSE_FAILPOINT="pennydrop.found"), pytest.raises(FunctionFailed):
        ekyc.reconcile_after_pause()
    ekyc.reconcile_after_pause()
    seen = of_state(subject.session(session_of(ekyc, subject), "pennydrop"), "initiated")
    assert "payment" not in seen["additionalInfo"]
    assert len(ekyc.bank.statement(account)) == 1
