"""The penny drop against the deployed bundle and the bank's stand-in."""

import pytest
from support import samples
from support.bundle import Bundle, Partner
from support.ekyc import Ekyc, Subject, of_state, wrong


@pytest.fixture(scope="module")
def ekyc(bundle: Bundle, partner: Partner) -> Ekyc:
    return Ekyc(bundle, partner)


@pytest.fixture(params=["application", "account"])
def subject(request: pytest.FixtureRequest, ekyc: Ekyc) -> Subject:
    return ekyc.application() if request.param == "application" else ekyc.account()


def test_a_penny_brings_a_code_that_authenticates(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account()
    begun = of_state(subject.drop(account), "initiated")
    assert begun["remainingPasscodes"] == 1
    [line] = ekyc.bank.statement(account)
    assert (line["amount"], line["currency"]) == ("0.01", "GBP")
    code = ekyc.bank.code(account)
    assert line["reference"] == f"GATEHOUSE {code}" and len(code) == 4
    assert begun["additionalInfo"] == {"destination": f"****{account[-4:]}"}
    # Four digits stand by chance in an id or in the account.
    told = {name: value for name, value in begun.items() if name not in ("authId", "journeyId", "additionalInfo")}
    assert code not in str(told)
    tried = of_state(subject.validate(begun["authId"], wrong(code), "pennydrop"), "invalid")
    assert tried["remainingAttempts"] == 1
    of_state(subject.validate(begun["authId"], code, "pennydrop"), "authenticated")
    verified = ekyc.verified(subject, "bankAccount")
    assert (verified["method"], verified["value"]) == ("penny-drop", f"****{account[-4:]}")
    of_state(subject.drop(account), "authenticated")
    assert len(ekyc.bank.statement(account)) == 1, "nothing more is paid"


def test_two_wrong_codes_end_a_session(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account()
    begun = of_state(subject.drop(account), "initiated")
    code = ekyc.bank.code(account)
    of_state(subject.validate(begun["authId"], wrong(code, 1), "pennydrop"), "invalid")
    of_state(subject.validate(begun["authId"], wrong(code, 2), "pennydrop"), "failed")
    of_state(subject.validate(begun["authId"], code, "pennydrop"), "failed")


@pytest.mark.parametrize(("account", "reason"), [
    (samples.bank_account(passes=False), "modulus"),
    (samples.bank_account("01"), "nameMismatch"),
    (samples.bank_account("04"), "accountUnknown"),
    (samples.bank_account("05"), "accountSwitched"),
    (samples.bank_account("20"), "payment"),
], ids=["modulus", "name", "unknown", "switched", "refused payment"])
def test_an_account_that_will_not_do_costs_no_code(ekyc: Ekyc, account: str, reason: str) -> None:
    subject = ekyc.application()
    for _ in range(3):
        refused = of_state(subject.drop(account), "invalidBankDetails")
        assert refused["additionalInfo"]["reason"] == reason
    assert ekyc.bank.statement(account) == []
    assert of_state(subject.drop(samples.bank_account()), "initiated")["remainingPasscodes"] == 1


def test_details_that_are_none_are_named(ekyc: Ekyc) -> None:
    subject = ekyc.application()
    for body, fields in (
        ({}, ["bankAccount", "sortCode"]),
        ({"sortCode": "12345", "bankAccount": "12345678"}, ["sortCode"]),
        ({"sortCode": "000100", "bankAccount": "12345"}, ["bankAccount"]),
        ({"sortCode": "000100", "bankAccount": "12345678901"}, ["bankAccount"]),
        ({"sortCode": 100, "bankAccount": "12345678"}, ["sortCode"]),
        ({"sortCode": "12345"}, ["bankAccount", "sortCode"]),
        ({"bankAccount": "1", "journeyId": "a b"}, ["bankAccount", "journeyId", "sortCode"]),
    ):
        assert sorted(subject.initiate("pennydrop", body).expect(400)["errors"]) == fields, body


def test_an_address_is_needed(ekyc: Ekyc) -> None:
    subject = ekyc.application(address={"postcode": ...})
    of_state(subject.drop(samples.bank_account()), "addressDetailsMissing")


def test_pennies_run_out(ekyc: Ekyc) -> None:
    subject = ekyc.account()
    for _ in range(2):
        of_state(subject.drop(samples.bank_account()), "initiated")
    none = subject.drop(samples.bank_account())
    assert of_state(none, "noMoreCodes")["remainingPasscodes"] == 0
    assert int(none.headers["retry-after"]) > 86_000


@pytest.mark.parametrize("ending", ["08", "09", "10"], ids=["too many", "out of order", "cut"])
def test_a_provider_without_an_answer_costs_no_code(ekyc: Ekyc, ending: str) -> None:
    subject = ekyc.application()
    failed = subject.drop(samples.bank_account(ending))
    assert failed.status == 503 and int(failed.headers["retry-after"]) >= 1
    assert of_state(subject.drop(samples.bank_account()), "initiated")["remainingPasscodes"] == 1


def test_a_payment_whose_answer_was_lost_is_asked_about_and_not_repeated(ekyc: Ekyc) -> None:
    subject, account = ekyc.application(), samples.bank_account("22")
    begun = of_state(subject.drop(account), "initiated")
    assert len(ekyc.bank.statement(account)) == 1
    of_state(subject.validate(begun["authId"], ekyc.bank.code(account), "pennydrop"), "authenticated")


def test_a_penny_that_comes_back_ends_its_session(ekyc: Ekyc) -> None:
    subject = ekyc.application()
    begun = of_state(subject.drop(samples.bank_account("21")), "initiated")
    for _ in range(2):
        ekyc.reconcile_after_pause()
    seen = of_state(subject.session(begun["authId"], "pennydrop"), "failed")
    assert seen["additionalInfo"]["reason"] == "paymentReturned"


def test_a_penny_that_comes_back_after_it_had_arrived_proves_nothing(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account("23")
    begun = of_state(subject.drop(account), "initiated")
    code = ekyc.bank.code(account)
    for _ in range(3):
        ekyc.reconcile_after_pause()
    of_state(subject.validate(begun["authId"], code, "pennydrop"), "failed")
    assert ekyc.verified(subject, "bankAccount") is None
    assert len(ekyc.bank.statement(account)) == 1, "and nothing more is paid"


def test_a_penny_that_comes_back_after_its_code_takes_the_proof_with_it(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account("23")
    begun = of_state(subject.drop(account), "initiated")
    for _ in range(2):
        ekyc.reconcile_after_pause()
    of_state(subject.validate(begun["authId"], ekyc.bank.code(account), "pennydrop"), "authenticated")
    assert ekyc.verified(subject, "bankAccount")["authId"] == begun["authId"]
    ekyc.reconcile_after_pause()
    seen = of_state(subject.session(begun["authId"], "pennydrop"), "failed")
    assert seen["additionalInfo"]["reason"] == "paymentReturned"
    assert ekyc.verified(subject, "bankAccount") is None
    of_state(subject.drop(samples.bank_account()), "initiated"), "another account may be tried"


def test_whose_account_one_is_is_not_asked_for_ever(ekyc: Ekyc, subject: Subject) -> None:
    for _ in range(6):
        of_state(subject.drop(samples.bank_account("01")), "invalidBankDetails")
    asked = ekyc.bank.name_checks()
    for account in (samples.bank_account("01"), samples.bank_account()):
        refused = subject.drop(account)
        assert refused.status == 429 and 86_000 < int(refused.headers["retry-after"]) <= 86_400
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == "urn:gatehouse:problem:too-many-requests"
    assert ekyc.bank.name_checks() == asked, "nobody was asked"
    refused = of_state(subject.drop(samples.bank_account(passes=False)), "invalidBankDetails")
    assert refused["additionalInfo"]["reason"] == "modulus", "what needs no bank is answered still"


def test_an_inactive_customer_initiates_nothing(ekyc: Ekyc, subject: Subject) -> None:
    begun = subject.begun()
    asked = ekyc.bank.name_checks()
    ekyc.api.delete(f"/core/v1/cm/customers/{subject.customer['id']}").expect(200)
    elsewhere = subject.initiate(body={"mobileNumber": samples.uk_mobile()})
    for refused in (elsewhere, subject.resend(begun["authId"]), subject.drop(samples.bank_account())):
        assert list(refused.expect(400)["errors"]) == ["customerId"], refused.text
    assert ekyc.bank.name_checks() == asked and len(ekyc.outbox.texts(subject.mobile)) == 1
    of_state(subject.validate(begun["authId"], ekyc.code(subject)), "authenticated")


def test_a_repeated_key_pays_once(ekyc: Ekyc, subject: Subject) -> None:
    account = samples.bank_account()
    first = subject.drop(account, key="penny")
    assert subject.drop(account, key="penny").json() == of_state(first, "initiated")
    assert len(ekyc.bank.statement(account)) == 1


def test_one_key_asks_about_a_refused_account_once(ekyc: Ekyc) -> None:
    subject, account = ekyc.application(), samples.bank_account("01")
    first = of_state(subject.drop(account, key="no"), "invalidBankDetails")
    # More often than there are name checks.
    for _ in range(7):
        assert subject.drop(account, key="no").json() == first
    assert subject.drop(samples.bank_account(), key="no").status == 409
    of_state(subject.drop(samples.bank_account()), "initiated")
