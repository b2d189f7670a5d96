"""One-time passcodes against the deployed bundle: every channel, every answer that does not need time to pass."""

import re

import pytest
from support import samples
from support.bundle import Bundle, Partner
from support.ekyc import ACQUISITION, Ekyc, Subject, code_in, of_state, wrong
from support.receiver import Receiver
from support.waiting import wait_for

UNKNOWN = samples.unknown_id()
BOTH = ["application", "account"]


@pytest.fixture(scope="module")
def ekyc(bundle: Bundle, partner: Partner) -> Ekyc:
    return Ekyc(bundle, partner)


@pytest.fixture(params=BOTH)
def subject(request: pytest.FixtureRequest, ekyc: Ekyc) -> Subject:
    return ekyc.application() if request.param == "application" else ekyc.account()


# ---- subjects

def test_a_subject_is_created_read_and_changed(ekyc: Ekyc, subject: Subject) -> None:
    seen = ekyc.api.get(subject.path).expect(200)
    assert seen["name"]["familyName"] == subject.body["name"]["familyName"]
    assert seen["contact"]["mobileNumber"] == f"*******{subject.mobile[-4:]}"
    changed = {name: subject.body[name] for name in ("name", "contact", "address")}
    changed["contact"] = {"email": samples.email_address()}
    after = ekyc.api.put(subject.path, {**changed, "version": seen["version"]}).expect(200)
    assert set(after["contact"]) == {"email"}
    assert after["version"] == seen["version"] + 1
    assert ekyc.api.put(subject.path, {**changed, "version": seen["version"]}).status == 409


def test_unknown_subjects_and_those_of_others_answer_alike(bundle: Bundle, ekyc: Ekyc, stranger: Partner) -> None:
    theirs = Ekyc(bundle, stranger)
    for kind, mine, none, state in (
        ("applications", ekyc.application(), UNKNOWN, "applicationIdNotFound"),
        ("accounts", ekyc.account(), samples.account_number(), "accountIdNotFound"),
    ):
        begun = mine.begun()
        unknown = Subject(theirs.api, f"{ACQUISITION}/{kind}/{none}", {}, {})
        foreign = Subject(theirs.api, mine.path, {}, {})
        for ask in (
            lambda at: at.initiate(), lambda at: at.validate(begun["authId"], "123456"), lambda at: at.resend(begun["authId"]),
            lambda at: at.session(begun["authId"]), lambda at: at.drop(samples.bank_account()),
            lambda at: at.validate(begun["authId"], "1234", "pennydrop"), lambda at: at.api.get(at.path),
        ):
            one, other = ask(unknown), ask(foreign)
            assert one.headers["content-type"] == "application/problem+json"
            bodies = [{name: value for name, value in of_state(each, state, 404).items() if name not in ("traceId", "instance")} for each in (one, other)]
            assert bodies[0] == bodies[1]


# ---- text messages

def test_a_text_is_sent_and_its_code_authenticates(ekyc: Ekyc, subject: Subject) -> None:
    begun = subject.begun()
    assert begun["remainingPasscodes"] == 2
    assert begun["additionalInfo"]["channel"] == "sms"
    assert begun["additionalInfo"]["destination"] == f"*******{subject.mobile[-4:]}"
    [text] = ekyc.outbox.texts(subject.mobile)
    assert re.fullmatch(r"\d{6} is your code to confirm your phone number\. It lasts 10 minutes\. Never share it, not even with us\.", text)
    [attributes] = ekyc.outbox.text_attributes(subject.mobile)
    assert "Transactional" in str(attributes["AWS.SNS.SMS.SMSType"])
    code = code_in(text)
    assert code not in str(begun)

    tried = of_state(subject.validate(begun["authId"], wrong(code)), "invalid")
    assert tried["remainingAttempts"] == 2
    assert of_state(subject.session(begun["authId"]), "initiated")["remainingAttempts"] == 2
    done = of_state(subject.validate(begun["authId"], code), "authenticated")
    assert (done["authId"], done["journeyId"]) == (begun["authId"], begun["journeyId"])
    assert of_state(subject.validate(begun["authId"], wrong(code, 2)), "authenticated"), "again, and nothing is counted"
    assert of_state(subject.session(begun["authId"]), "authenticated")
    verified = ekyc.verified(subject, "phone")
    assert (verified["value"], verified["method"]) == (f"*******{subject.mobile[-4:]}", "otp-sms")
    assert verified["authId"] == begun["authId"]
    assert verified["verifiedAt"]


def test_three_wrong_codes_end_a_session_and_a_new_one_begins(ekyc: Ekyc, subject: Subject) -> None:
    begun = subject.begun()
    code = ekyc.code(subject)
    for by, state in ((1, "invalid"), (2, "invalid"), (3, "failed")):
        tried = of_state(subject.validate(begun["authId"], wrong(code, by)), state)
    assert (tried["remainingAttempts"], tried["additionalInfo"]["scope"]) == (0, "session")
    assert of_state(subject.validate(begun["authId"], code), "failed"), "the right one comes too late"
    fresh = samples.uk_mobile()
    again = subject.begun(body={"mobileNumber": fresh})
    assert again["authId"] != begun["authId"] and again["journeyId"] == begun["journeyId"]
    assert of_state(subject.validate(again["authId"], code_in(ekyc.outbox.texts(fresh)[-1])), "authenticated")


def test_six_wrong_codes_end_a_journey(ekyc: Ekyc) -> None:
    subject = ekyc.application()
    for session in range(2):
        number = samples.uk_mobile()
        begun = subject.begun(body={"mobileNumber": number})
        code = code_in(ekyc.outbox.texts(number)[-1])
        states = [subject.validate(begun["authId"], wrong(code, by)).expect(200) for by in (1, 2, 3)]
    assert (states[-1]["state"], states[-1]["additionalInfo"]["scope"]) == ("failed", "journey")
    ended = of_state(subject.initiate(), "failed")
    assert ended["additionalInfo"]["scope"] == "journey"
    assert subject.begun(body={"journeyId": "another"}), "another journey is another story"


def test_a_resend_brings_a_new_code_to_the_same_session(ekyc: Ekyc, subject: Subject) -> None:
    begun = subject.begun()
    first = ekyc.code(subject)
    of_state(subject.validate(begun["authId"], wrong(first)), "invalid")
    again = of_state(subject.resend(begun["authId"]), "initiated")
    assert (again["authId"], again["remainingPasscodes"]) == (begun["authId"], 1)
    assert again["additionalInfo"]["sendNumber"] == 2
    second = ekyc.code(subject, sends=2)
    assert second != first
    tried = of_state(subject.validate(begun["authId"], first), "invalid")
    assert tried["remainingAttempts"] == 1, "a new code does not take failures back"
    assert of_state(subject.validate(begun["authId"], second), "authenticated")


def test_codes_run_out_and_an_application_is_locked(ekyc: Ekyc) -> None:
    for subject, locked in ((ekyc.application(), True), (ekyc.account(), False)):
        begun = subject.begun()
        for _ in range(2):
            of_state(subject.resend(begun["authId"]), "initiated")
        none = subject.initiate(body={"mobileNumber": samples.uk_mobile()})
        body = of_state(none, "noMoreCodes")
        seconds = int(none.headers["retry-after"])
        assert body["remainingPasscodes"] == 0 and body["additionalInfo"]["retryAfterSeconds"] == seconds
        assert seconds == 3600 if locked else 3500 < seconds <= 3600
        assert len(ekyc.outbox.texts(subject.mobile)) == 3
        code = code_in(ekyc.outbox.texts(subject.mobile)[-1])
        assert of_state(subject.validate(begun["authId"], code), "authenticated"), "a lock stops sends, not codes"


def test_a_double_click_sends_one_message(ekyc: Ekyc, subject: Subject) -> None:
    begun = subject.begun()
    same = of_state(subject.initiate(), "duplicate")
    assert (same["authId"], same["remainingPasscodes"]) == (begun["authId"], 2)
    assert len(ekyc.outbox.texts(subject.mobile)) == 1


def test_a_repeated_key_gets_the_first_answer(ekyc: Ekyc, subject: Subject) -> None:
    first = subject.initiate(key="once")
    again = subject.initiate(key="once")
    assert again.expect(200) == of_state(first, "initiated")
    assert again.headers["original-request-id"]
    code = ekyc.code(subject)
    tried = subject.validate(first.json()["authId"], wrong(code), key="try")
    repeated = subject.validate(first.json()["authId"], wrong(code), key="try")
    assert repeated.json() == of_state(tried, "invalid"), "and is counted once"
    assert of_state(subject.session(first.json()["authId"]), "initiated")["remainingAttempts"] == 2


def test_a_request_may_name_the_destination(ekyc: Ekyc, subject: Subject) -> None:
    """Known here or not, it is answered and served alike."""
    known = subject.initiate(body={"mobileNumber": subject.mobile, "journeyId": "known"})
    fresh = samples.uk_mobile()
    unknown = subject.initiate(body={"mobileNumber": samples.international(fresh), "journeyId": "unknown"})
    shapes = []
    for answer, number in ((known, subject.mobile), (unknown, fresh)):
        body = of_state(answer, "initiated")
        assert body["additionalInfo"].pop("destination") == f"*******{number[-4:]}"
        assert len(ekyc.outbox.texts(number)) == 1
        shapes.append((sorted(body), sorted(body["additionalInfo"]), sorted(answer.headers)))
    assert shapes[0] == shapes[1]


# ---- e-mail

def test_a_code_by_e_mail(ekyc: Ekyc) -> None:
    subject = ekyc.application(contact={"mobileNumber": ..., "homeNumber": ...})
    begun = subject.begun()
    assert begun["additionalInfo"]["channel"] == "email"
    address = subject.body["contact"]["email"]
    assert begun["additionalInfo"]["destination"] == f"{address[0]}***@e***.com"
    [mail] = ekyc.outbox.mails(address)
    assert mail["Subject"] == "Your code to confirm your e-mail address"
    code = code_in(mail["BodyText"])
    assert mail["BodyText"].startswith(f"{code} is your code to confirm your e-mail address.")
    of_state(subject.validate(begun["authId"], code), "authenticated")
    assert ekyc.verified(subject, "email")["method"] == "otp-email"


# ---- refusals

def test_requests_that_cannot_be_served_say_why(ekyc: Ekyc) -> None:
    subject = ekyc.application()
    for body, field in (
        ({"mobileNumber": "07400 12345"}, "mobileNumber"),
        ({"mobileNumber": "0909 879 0123"}, "mobileNumber"),
        ({"mobileNumber": samples.uk_landline()}, "mobileNumber"),
        ({"mobileNumber": "+33 6 12 34 56 78"}, "mobileNumber"),
        ({"homeNumber": "070 1234 5678"}, "homeNumber"),
        ({"email": "nobody"}, "email"),
        ({"mobileNumber": samples.uk_mobile(), "email": samples.email_address()}, "email"),
        ({"mobileNumber": 7400123456}, "mobileNumber"),
        ({"channel": "pigeon"}, "channel"),
        ({"journeyId": "a#b"}, "journeyId"),
    ):
        problem = subject.initiate(body=body).expect(400)
        assert list(problem["errors"]) == [field], problem
    empty = ekyc.application(contact={"mobileNumber": ..., "homeNumber": ..., "email": ...})
    of_state(empty.initiate(), "noDestination", 400)


def test_codes_that_are_none_are_not_counted(ekyc: Ekyc) -> None:
    subject = ekyc.application()
    begun = subject.begun()
    for body in ({}, {"passcode": "12345"}, {"passcode": "1234567"}, {"passcode": "12345a"}, {"passcode": 123456}, {"passcode": ""}):
        refused = subject.api.post(f"{subject.path}/kycauthentications/otp/{begun['authId']}/validate", body)
        assert of_state(refused, "invalidRequest", 400), body
    assert of_state(subject.session(begun["authId"]), "initiated")["remainingAttempts"] == 3
    of_state(subject.validate("not-an-id", "123456"), "invalidRequest", 400)
    of_state(subject.validate(UNKNOWN, "123456"), "sessionIdNotFound", 404)
    other = ekyc.application()
    of_state(other.validate(begun["authId"], ekyc.code(subject)), "sessionIdNotFound", 404)


def test_a_newer_session_takes_the_place_of_the_older(ekyc: Ekyc) -> None:
    subject, number = ekyc.application(), samples.uk_mobile()
    older = subject.begun()
    subject.begun(body={"mobileNumber": number})
    of_state(subject.validate(older["authId"], ekyc.code(subject)), "notFound", 404)
    of_state(subject.resend(older["authId"]), "notFound", 404)


# ---- configuration

def test_a_merchants_configuration_holds_for_its_sessions(ekyc: Ekyc) -> None:
    texts = {"en-GB": {"sms": "Acme: {code} to {purpose}."}}
    held = ekyc.configure(merchant="acme", otpCodeLength=9, messageTemplates=texts)
    assert held["otpCodeLength"] == 9
    subject = ekyc.application()
    begun = subject.begun(headers={"Merchant-Id": "acme"})
    [text] = ekyc.outbox.texts(subject.mobile)
    code = code_in(text)
    assert text == f"Acme: {code} to confirm your phone number." and len(code) == 9
    of_state(subject.validate(begun["authId"], code[:6]), "invalidRequest", 400)
    of_state(subject.validate(begun["authId"], code), "authenticated")


def test_a_configuration_that_would_protect_nobody_is_refused(ekyc: Ekyc) -> None:
    path = ekyc.configuration(merchant="reckless")
    held = ekyc.api.get(path).expect(200)
    for key, value in (
        ("maximumNumberOfInitiatesPerDuration", 0), ("maximumNumberOfInvalidValidates", 0), ("passcodeExpiryInMilliseconds", 0),
        ("maximumNumberOfInvalidValidatesPerSession", 7), ("otpCodeLength", 3), ("otpCodeLength", 11), ("initiatesDurationInMilliseconds", -1),
    ):
        problem = ekyc.api.put(path, {**held, key: value}).expect(400)
        assert key in problem["errors"], problem
    bad = {"en-GB": {"sms": "Win a prize at bank.example: {code}"}}
    problem = ekyc.api.put(path, {**held, "messageTemplates": bad}).expect(400)
    assert list(problem["errors"]) == ["messageTemplates.en-GB.sms"]
    ekyc.api.put(path, held).expect(200)
    assert ekyc.api.put(path, held).status == 409, "another version stands there now"


def test_every_wrong_key_is_named_at_once(ekyc: Ekyc) -> None:
    bad = {"version": 0, "otpCodelength": 6, "otpCodeLength": 3, "locale": "english", "messageTemplates": {"en-GB": {"sms": "no code", "voice": "nor here"}}}
    problem = ekyc.api.put(ekyc.configuration(merchant="wrong"), bad).expect(400)
    assert sorted(problem["errors"]) == ["locale", "messageTemplates.en-GB.sms", "messageTemplates.en-GB.voice", "otpCodeLength", "otpCodelength"]


def test_alternative_evidence_is_not_there(ekyc: Ekyc) -> None:
    """The contract publishes its path alone; a path without a meaning answers like any that is unknown."""
    subject = ekyc.application()
    assert ekyc.api.post(f"{subject.path}/kycauthentications/alternativeevidence", {}).status == 404


# ---- the fraud guard

def test_a_destination_that_gets_too_much_gets_nothing_and_nobody_is_told(bundle: Bundle, ekyc: Ekyc) -> None:
    number = samples.uk_mobile()
    limits = '{"destination":{"sends":2,"seconds":3600}}'
    with bundle.configured("otp-initiate", OTP_SEND_LIMITS=limits):
        answers = [ekyc.application().initiate(body={"mobileNumber": number}) for _ in range(4)]
    shapes = {(tuple(sorted(of_state(answer, "initiated"))), tuple(sorted(answer.headers))) for answer in answers}
    assert len(shapes) == 1
    assert len(ekyc.outbox.texts(number)) == 2
    held_back = answers[-1].json()
    assert held_back["remainingPasscodes"] == 2 and held_back["additionalInfo"]["destination"] == f"*******{number[-4:]}"


def test_a_partner_that_sends_too_much_is_told(bundle: Bundle) -> None:
    busy = Ekyc(bundle, bundle.new_partner())
    first, second = busy.application(), busy.application()
    with bundle.configured("otp-initiate", OTP_SEND_LIMITS='{"partner":{"sends":1,"seconds":3600}}'):
        first.begun()
        refused = second.initiate()
    # Sends are counted in slots of five minutes; one may have ended between the two.
    assert refused.status == 429 and 3590 < int(refused.headers["retry-after"]) <= 3901
    assert busy.outbox.texts(second.mobile) == []
    assert second.begun()["remainingPasscodes"] == 2, "it cost no code"


# ---- events

def test_sessions_are_told_to_webhook_registrations(bundle: Bundle, receiver: Receiver) -> None:
    partner = bundle.new_partner()
    ekyc = Ekyc(bundle, partner)
    endpoints = {step: receiver.endpoint() for step in ("Initiated", "Authenticated", "Failed")}
    for step, endpoint in endpoints.items():
        partner.register(f"Ekyc.Session.{step}", endpoint.url)
    subject = ekyc.application()
    lost = subject.begun()
    code = ekyc.code(subject)
    for by in (1, 2, 3):
        subject.validate(lost["authId"], wrong(code, by))
    number = samples.uk_mobile()
    begun = subject.begun(body={"mobileNumber": number})
    of_state(subject.validate(begun["authId"], code_in(ekyc.outbox.texts(number)[-1])), "authenticated")
    told = {step: wait_for(step, lambda step=step: endpoints[step].deliveries) for step in endpoints}
    wait_for("both beginnings", lambda: len(endpoints["Initiated"].deliveries) == 2)
    [authenticated] = told["Authenticated"]
    [failed] = told["Failed"]
    event = partner.event(authenticated.event["id"])
    assert begun["authId"] in str(event) and lost["authId"] in str(partner.event(failed.event["id"]))
    for delivery in [*endpoints["Initiated"].deliveries, authenticated, failed]:
        text = delivery.raw.decode()
        assert number[-4:] not in text.replace(begun["authId"], "").replace(lost["authId"], "") or number not in text
        assert samples.international(number) not in text and code not in text


def test_scopes_are_apart(ekyc: Ekyc, partner: Partner) -> None:
    subject = ekyc.application()
    begun = subject.begun()
    for scope, allowed in (("ekyc.initiate", "initiate"), ("ekyc.validate", "validate"), ("ekyc.config", "config")):
        api = partner.api_with(scope)
        mine = Subject(api, subject.path, subject.body, subject.customer)
        answers = {
            "initiate": mine.session(begun["authId"]), "validate": mine.validate(begun["authId"], "1"),
            "config": api.get(ekyc.configuration()),
        }
        for name, answer in answers.items():
            assert (answer.status != 403) == (name == allowed), f"{scope}: {answer.request} answered {answer.status}"


def test_an_erased_customers_subjects_are_gone(ekyc: Ekyc, partner: Partner, subject: Subject) -> None:
    begun = subject.begun()
    code = ekyc.code(subject)
    state = "applicationIdNotFound" if "/applications/" in subject.path else "accountIdNotFound"
    held = [item["sk"] for item in ekyc.bundle.items(partner.id, subject.customer["id"], "SUBJECT#")]
    assert len(held) == 1
    partner.api.delete(f"/v1/customers/{subject.customer['id']}").expect(200)
    wait_for("the subject is removed", lambda: subject.api.get(subject.path).status == 404)
    for answer in (subject.initiate(), subject.validate(begun["authId"], code), subject.session(begun["authId"])):
        of_state(answer, state, 404)
    condition = {":pk": f"P#{partner.id}#S#{held[0].removeprefix('SUBJECT#')}"}
    left = ekyc.bundle.customer_table.query(KeyConditionExpression="pk = :pk", ExpressionAttributeValues=condition)
    assert left["Items"] == []
