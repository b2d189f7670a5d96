"""The story's eKYC chapter: the customer proves to hold a phone and a bank account.

What the customer sees is read where the customer would see it: the text message in the emulator's outbox, the penny on
the statement of the bank's stand-in. Invariant: the product's own answers never show a code.
"""

from support import samples
from support.bundle import CUSTOMERS, Bundle
from support.ekyc import ACQUISITION, Bank, Outbox, code_in, wrong
from support.receiver import Endpoint
from support.shape import TIME, UUID
from support.waiting import NotInTime

AUTHENTICATED = "Ekyc.Session.Authenticated"


def tell(story, endpoint: Endpoint, customer: dict) -> None:
    """`story` says what happens and is told what to expect."""
    _Chapter(story, endpoint, customer).tell()


class _Chapter:
    def __init__(self, story, endpoint: Endpoint, customer: dict) -> None:
        self.story, self.say, self.api = story, story.say, story.api
        self.endpoint, self.customer = endpoint, customer
        bundle: Bundle = story.bundle
        self.outbox, self.bank = Outbox(bundle), Bank(bundle)
        self.mobile = samples.uk_mobile()
        self.path = self.last_digits = ""

    def tell(self) -> None:
        self.say.heading("12. eKYC: an application of the customer, with what eKYC needs to know")
        made = self.story.ok(self.api.post(f"{ACQUISITION}/applications", {
            "customerId": self.customer["id"],
            "name": {"givenName": "Bob", "familyName": "Smith"},
            "contact": {"mobileNumber": self.mobile},
            "address": {"houseNumber": "7", "street": "Example Street", "townOrCity": "London", "postcode": "N1C 4DA"},
        }))
        self.path = f"{ACQUISITION}/applications/{made['applicationId']}/kycauthentications"
        self.phone()
        self.account()
        self.record()

    def state(self, what: str, answer, state: str) -> dict:
        body = self.story.ok(answer)
        self.story.expect(what, {name: body[name] for name in ("state", "status")}, {"state": state, "status": state})
        return body

    def phone(self) -> None:
        self.say.heading("13. A one-time passcode by text message")
        begun = self.state("the code is on its way", self.api.post(f"{self.path}/otp", {}), "initiated")
        self.story.expect("to the mobile number that is held, masked", begun["additionalInfo"]["destination"], f"*******{self.mobile[-4:]}")
        [text] = self.outbox.texts(self.mobile)
        self.say.note(f"the customer's phone shows: {text}")
        code, validate = code_in(text), f"{self.path}/otp/{begun['authId']}/validate"
        self.say.heading("    A wrong code")
        tried = self.state("it is refused", self.api.post(validate, {"passcode": wrong(code)}), "invalid")
        self.story.expect("and counted", tried["remainingAttempts"], 2)
        self.say.heading("    The right code")
        self.state("the phone is the customer's", self.api.post(validate, {"passcode": code}), "authenticated")
        self.arrives("otp", begun["authId"])

    def account(self) -> None:
        self.say.heading("14. The penny drop: an account number that no bank could have given out")
        refused = self.drop(samples.bank_account(passes=False), "invalidBankDetails")
        self.story.expect("its check digits are wrong", refused["additionalInfo"]["reason"], "modulus")
        self.say.heading("    An account of somebody else")
        refused = self.drop(samples.bank_account("01"), "invalidBankDetails")
        self.story.expect("the bank knows it under another name", refused["additionalInfo"]["reason"], "nameMismatch")
        self.say.heading("    The customer's own account")
        account = samples.bank_account()
        begun = self.drop(account, "initiated")
        [line] = self.bank.statement(account)
        self.say.note(f"the customer's statement shows: {line['amount']} {line['currency']}, reference {line['reference']!r}")
        self.story.expect("one penny was paid", line["amount"], "0.01")
        validate = f"{self.path}/pennydrop/{begun['authId']}/validate"
        self.state("the account is the customer's", self.api.post(validate, {"passcode": self.bank.code(account)}), "authenticated")
        self.arrives("pennydrop", begun["authId"], 2)
        self.last_digits = account[-4:]

    def drop(self, account: str, state: str) -> dict:
        body = {"sortCode": samples.SORT_CODE, "bankAccount": account}
        return self.state(f"it is {state}", self.api.post(f"{self.path}/pennydrop", body), state)

    def arrives(self, method: str, auth_id: str, count: int = 1) -> None:
        try:
            found = self.endpoint.wait_for_events(count, None, AUTHENTICATED, self.story.patience)
        except NotInTime:
            raise AssertionError(f"the webhook {AUTHENTICATED} did not arrive within {self.story.patience:g} s") from None
        resource = f"{self.path.removeprefix('/')}/{method}/{auth_id}"
        self.story.expect(f"{AUTHENTICATED} names the session", [event["resources"] for event in found][count - 1], [resource])

    def record(self) -> None:
        self.say.heading("15. The customer record says what was proved")
        seen = self.story.ok(self.api.get(f"{CUSTOMERS}/{self.customer['id']}"))

        def proof(value: str, method: str) -> dict:
            return {"value": value, "method": method, "authId": UUID, "verifiedAt": TIME}

        self.story.expect("a phone and a bank account, masked", seen["verifiedContacts"], {
            "phone": proof(f"*******{self.mobile[-4:]}", "otp-sms"),
            "bankAccount": proof(f"****{self.last_digits}", "penny-drop"),
        })
