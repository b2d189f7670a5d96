"""Passcodes through AWS End User Messaging, in good days and bad: what a service did not send costs nobody a code."""

import re
from collections.abc import Iterator

import pytest
from support import samples
from support.bundle import Bundle, Partner
from support.ekyc import Ekyc, code_in, of_state
from support.messaging_stub import HangUp, Messaging, Refusal, Taken


@pytest.fixture(scope="module")
def ekyc(bundle: Bundle, partner: Partner) -> Ekyc:
    return Ekyc(bundle, partner)


@pytest.fixture(scope="module")
def messaging(bundle: Bundle) -> Iterator[Messaging]:
    """End User Messaging beside the emulator, which does not have it, and the functions told to use it."""
    with Messaging() as running:
        settings = {
            "OTP_SMS_SERVICE": "end-user-messaging", "OTP_SMS_ORIGINATION": "+447400000001", "OTP_VOICE_ORIGINATION": "+442079460000",
            "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": running.url,
        }
        with bundle.configured("otp-initiate", **settings), bundle.configured("otp-resend", **settings):
            yield running


@pytest.fixture
def calm(messaging: Messaging) -> Iterator[Messaging]:
    yield messaging
    messaging.behaviour = lambda message: None


def test_a_code_by_call(ekyc: Ekyc, messaging: Messaging) -> None:
    subject = ekyc.application(contact={"mobileNumber": ...})
    begun = subject.begun()
    assert begun["additionalInfo"]["channel"] == "voice"
    [call] = messaging.to(samples.international(subject.body["contact"]["homeNumber"]))
    assert (call.operation, call.body["VoiceId"], call.body["TimeToLive"]) == ("SendVoiceMessage", "AMY", 600)
    read = re.findall(r'<say-as interpret-as="digits">(\d)</say-as><break', call.body["MessageBody"])
    assert read[:6] == read[6:] and len(read) == 12, "the digits are read twice"
    of_state(subject.validate(begun["authId"], samples.sealed("".join(read[:6]))), "authenticated")
    assert ekyc.verified(subject, "phone")["method"] == "otp-voice"


def test_a_text_by_end_user_messaging(ekyc: Ekyc, messaging: Messaging) -> None:
    subject = ekyc.application()
    begun = subject.begun()
    of_state(subject.resend(begun["authId"]), "initiated")
    taken = messaging.to(samples.international(subject.mobile))
    assert [message.operation for message in taken] == ["SendTextMessage"] * 2
    assert taken[0].body["Context"] == {"authId": begun["authId"]}
    assert taken[0].body["OriginationIdentity"] == "+447400000001"
    assert ekyc.outbox.texts(subject.mobile) == []
    of_state(subject.validate(begun["authId"], code_in(taken[1].body["MessageBody"])), "authenticated")


def refuses(status: int, kind: str, **members: object):
    def behave(_: Taken) -> None:
        raise Refusal(status, kind, **members)

    return behave


def test_a_destination_that_takes_no_messages_costs_no_code(ekyc: Ekyc, calm: Messaging) -> None:
    subject = ekyc.application()
    calm.behaviour = refuses(400, "ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT")
    for _ in range(4):
        of_state(subject.initiate(), "destinationRejected", 400)
    calm.behaviour = lambda message: None
    assert subject.begun()["remainingPasscodes"] == 2


@pytest.mark.parametrize(("status", "kind"), [(400, "ThrottlingException"), (503, "ServiceUnavailable"), (403, "AccessDeniedException")])
def test_a_service_that_did_not_send_costs_no_code(ekyc: Ekyc, calm: Messaging, status: int, kind: str) -> None:
    subject = ekyc.application()
    calm.behaviour = refuses(status, kind)
    failed = subject.initiate()
    assert failed.status == 503 and int(failed.headers["retry-after"]) >= 1
    calm.behaviour = lambda message: None
    begun = subject.begun()
    assert begun["remainingPasscodes"] == 2
    calm.behaviour = refuses(status, kind)
    assert subject.resend(begun["authId"]).status == 503
    code = code_in(calm.to(samples.international(subject.mobile))[-1].body["MessageBody"])
    of_state(subject.validate(begun["authId"], code), "authenticated"), "the code before counts again"


def test_a_message_that_was_perhaps_sent_counts_and_its_code_works(ekyc: Ekyc, calm: Messaging) -> None:
    subject = ekyc.application()

    def cut(_: Taken) -> None:
        raise HangUp

    calm.behaviour = cut
    unclear = subject.initiate().expect(503)
    calm.behaviour = lambda message: None
    [message] = calm.to(samples.international(subject.mobile))
    assert of_state(subject.session(unclear["authId"]), "initiated")["remainingPasscodes"] == 2
    of_state(subject.validate(unclear["authId"], code_in(message.body["MessageBody"])), "authenticated")
