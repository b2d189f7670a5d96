"""eKYC as a partner's system does it, and the customer at the other end who reads the message or the statement.

Invariant: a code is read where the customer would read it (the emulator's outbox, the messaging service's stand-in, the
bank's statement), never from the product; each one is remembered, so that a search can look for it everywhere.
"""

import json
import re
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from . import samples
from .api import Answer, Api
from .bundle import Bundle, Partner

ACQUISITION = "/acquisition/v2"
_CODE = re.compile(r"\b(\d{4,10})\b")


class Outbox:
    """Text messages and e-mails that the emulator holds back."""

    def __init__(self, bundle: Bundle) -> None:
        self._endpoint = bundle.environment["endpoint"]

    def texts(self, number: str) -> list[str]:
        """The texts to a number, oldest first."""
        query = urllib.parse.urlencode({"phoneNumber": samples.international(number)})
        return [message["Message"] for message in self._leaves(f"/_ministack/sns/sms-messages?{query}")]

    def text_attributes(self, number: str) -> list[dict]:
        query = urllib.parse.urlencode({"phoneNumber": samples.international(number)})
        return [message["MessageAttributes"] for message in self._leaves(f"/_ministack/sns/sms-messages?{query}")]

    def mails(self, address: str) -> list[dict]:
        return [message for message in self._leaves("/_ministack/ses/messages") if address in message["To"]]

    def _leaves(self, path: str) -> list[dict]:
        with urllib.request.urlopen(self._endpoint + path, timeout=10) as answer:
            return list(_leaves(json.load(answer)))


def _leaves(value):
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)


class Bank:
    """The stand-in for the customer's bank."""

    def __init__(self, bundle: Bundle) -> None:
        self._url = bundle.environment["bankUrl"]

    def statement(self, account: str, sort_code: str = samples.SORT_CODE) -> list[dict]:
        return self._get(f"/statement?sortCode={sort_code}&accountNumber={account}")

    def code(self, account: str) -> str:
        """The code in the reference of the last penny."""
        return code_in(self.statement(account)[-1]["reference"])

    def name_checks(self) -> int:
        """How often anybody was asked whose account one is."""
        return self._get("/calls").get("POST /modulr/account-name-check", 0)

    def _get(self, path: str):
        with urllib.request.urlopen(self._url + path, timeout=10) as answer:
            return json.load(answer)


def code_in(text: str) -> str:
    """The only number of a message."""
    found = _CODE.findall(text)
    assert len(found) == 1, f"a message carries {len(found)} numbers of a code's length"
    # Four digits are everywhere; longer ones are nowhere by chance.
    return samples.sealed(found[0]) if len(found[0]) >= 6 else found[0]


def wrong(code: str, by: int = 1) -> str:
    """Another code of the same length."""
    return f"{(int(code) + by) % 10 ** len(code):0{len(code)}}"


@dataclass
class Subject:
    """An application or account, and everything that can be done to it."""

    api: Api
    path: str
    body: dict
    customer: dict

    @property
    def mobile(self) -> str:
        return self.body["contact"]["mobileNumber"]

    def initiate(self, method: str = "otp", body: dict | None = None, **more) -> Answer:
        return self.api.post(f"{self.path}/kycauthentications/{method}", body if body is not None else {}, **more)

    def begun(self, method: str = "otp", body: dict | None = None, **more) -> dict:
        return of_state(self.initiate(method, body, **more), "initiated")

    def drop(self, account: str, sort_code: str = samples.SORT_CODE, journey: str | None = None, **more) -> Answer:
        body = {"sortCode": sort_code, "bankAccount": account, **({"journeyId": journey} if journey else {})}
        return self.initiate("pennydrop", body, **more)

    def validate(self, auth_id: str, code: str, method: str = "otp", **more) -> Answer:
        return self.api.post(f"{self.path}/kycauthentications/{method}/{auth_id}/validate", {"passcode": code}, **more)

    def resend(self, auth_id: str, **more) -> Answer:
        return self.api.post(f"{self.path}/kycauthentications/otp/{auth_id}/resend", **more)

    def session(self, auth_id: str, method: str = "otp") -> Answer:
        return self.api.get(f"{self.path}/kycauthentications/{method}/{auth_id}")


def of_state(answer: Answer, state: str, status: int = 200) -> dict:
    """The body, when it is of this state under both of its names."""
    body = answer.expect(status)
    assert body["state"] == state, f"{answer.request} is {body['state']}, expected {state}: {answer.text[:500]}"
    if status == 200:
        assert body["status"] == state, "the seed's prose has the other name"
    return body


@dataclass
class Ekyc:
    """One partner's eKYC."""

    bundle: Bundle
    partner: Partner
    outbox: Outbox = field(init=False)
    bank: Bank = field(init=False)

    def __post_init__(self) -> None:
        self.outbox, self.bank = Outbox(self.bundle), Bank(self.bundle)

    @property
    def api(self) -> Api:
        return self.partner.api

    def application(self, customer: dict | None = None, **changes) -> Subject:
        """An application of this customer, or of a new one."""
        customer = customer or self.partner.onboard()
        body = samples.particulars(customer["id"], changes)
        made = self.api.post(f"{ACQUISITION}/applications", body).expect(200)
        return Subject(self.api, f"{ACQUISITION}/applications/{made['applicationId']}", body, customer)

    def account(self, **changes) -> Subject:
        customer, number = self.partner.onboard(), samples.account_number()
        body = samples.particulars(customer["id"], changes)
        self.api.post(f"{ACQUISITION}/accounts", {**body, "accountNumber": number}).expect(200)
        return Subject(self.api, f"{ACQUISITION}/accounts/{number}", body, customer)

    def prove(self, customer: dict, account: str) -> None:
        """Has the customer prove a bank account with a penny."""
        subject = self.application(customer)
        begun = of_state(subject.drop(account), "initiated")
        of_state(subject.validate(begun["authId"], self.bank.code(account), "pennydrop"), "authenticated")

    def code(self, subject: Subject, sends: int = 1) -> str:
        """The code of the last text to the number that the subject holds, when so many were sent."""
        texts = self.outbox.texts(subject.mobile)
        assert len(texts) == sends, f"{len(texts)} messages were sent, expected {sends}"
        return code_in(texts[-1])

    def configuration(self, method: str = "otp", merchant: str = "default") -> str:
        return f"{ACQUISITION}/configurations/{merchant}/ekyc/{method}"

    def configure(self, method: str = "otp", merchant: str = "default", **keys) -> dict:
        """Changes the keys of a method for one merchant."""
        path = self.configuration(method, merchant)
        held = self.api.get(path).expect(200)
        return self.api.put(path, {**held, **keys}).expect(200)

    def verified(self, subject: Subject, kind: str) -> dict | None:
        """What the customer record says was proved."""
        return self.partner.customer(subject.customer["id"]).get("verifiedContacts", {}).get(kind)

    def items(self, subject: Subject) -> list[dict]:
        """Everything that is stored of an application."""
        identity = subject.path.rsplit("/", 1)[1]
        condition = {":pk": f"P#{self.partner.id}#S#APP#{identity}"}
        answer = self.bundle.customer_table.query(KeyConditionExpression="pk = :pk", ExpressionAttributeValues=condition)
        return answer["Items"]

    def reconcile_after_pause(self) -> dict:
        """What the schedule does at a penny's next look, as if the pause before it had passed."""
        table = self.bundle.customer_table
        for shard in range(4):
            condition = {":pk": f"PENNY#{shard}"}
            for item in table.query(KeyConditionExpression="pk = :pk", ExpressionAttributeValues=condition)["Items"]:
                table.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
                table.put_item(Item=_due_and_older(item))
        return self.bundle.invoke("penny-drop-reconcile", {})


def _due_and_older(penny: dict) -> dict:
    """A penny whose next look is due, and whose times are those of a quarter of an hour before."""
    due = int(time.time() * 1000) - 1_000
    _, auth_id = penny["sk"].split("#")
    times = {name: _before(penny[name]) for name in ("since", "missingSince", "settledAt") if name in penny}
    return {**penny, **times, "sk": f"{due:013}#{auth_id}"}


def _before(moment: str) -> str:
    at = datetime.fromisoformat(moment) - timedelta(minutes=15)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
