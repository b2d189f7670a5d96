"""The story's chapter through Straddle's contract: the same customers, an identity review, and a signed webhook.

Invariant: what one contract wrote the other one reads, and the signature is checked by somebody else's library.
"""

import uuid

import standardwebhooks
from support import samples
from support.bundle import CUSTOMERS, REGISTRATIONS
from support.receiver import Endpoint, Receiver
from support.shape import UUID
from support.waiting import wait_for

STRADDLE = "/v1/customers"
CREATED = "customer.created.v1"


def tell(story, bob: dict) -> None:
    """`story` says what happens and is told what to expect; `bob` was onboarded through the other contract."""
    with Receiver() as receiver:
        _Chapter(story, bob, receiver.endpoint(name="straddle-events")).tell()


class _Chapter:
    def __init__(self, story, bob: dict, endpoint: Endpoint) -> None:
        self.story, self.say, self.api, self.bob, self.endpoint = story, story.say, story.api, bob, endpoint
        endpoint.on_delivery = story.say.webhook

    def tell(self) -> None:
        self.read_bob()
        made = self.story.ok(self.story.quiet.post(REGISTRATIONS, {
            "partnerId": self.story.partner, "eventName": CREATED, "registrationType": "Push", "callbackUrl": self.endpoint.url,
        }))
        try:
            self.signed(self.enrol(), made["signingSecret"])
            self.decide()
        finally:
            self.story.quiet.delete(f"{REGISTRATIONS}/{made['id']}")

    def data(self, answer, status: int = 200) -> dict:
        self.story.expect(f"answered {status}", answer.status, status)
        return answer.json()["data"]

    def read_bob(self) -> None:
        self.say.heading("16. Another contract, the same record: Bob through Straddle's API")
        seen = self.data(self.api.get(f"{STRADDLE}/{self.bob['id']}"))
        shown = {name: seen[name] for name in ("id", "name", "type", "phone")}
        self.story.expect("name joined, phone in international form", shown, {
            "id": self.bob["id"], "name": "Bob Smith", "type": "individual", "phone": "+12015552345",
        })

    def body(self, name: str) -> dict:
        return {
            "name": name,
            "type": "individual",
            "email": f"{name.replace(' ', '.').lower()}.{uuid.uuid4().hex[:8]}@example.com",
            "phone": f"+1775{samples.digits(1, '23456789')}{samples.digits(6)}",
            "device": {"ip_address": "203.0.113.9"},
        }

    def enrol(self) -> dict:
        self.say.heading("17. Enrol somebody: the answer has the end of the identity review")
        name = f"{samples.word()} {samples.word()}"
        made = self.data(self.api.post(STRADDLE, self.body(name), key=uuid.uuid4().hex), 201)
        review = self.data(self.api.get(f"{STRADDLE}/{made['id']}/review"))["identity_details"]
        said = "; ".join(review["messages"].values())
        self.say.note(f"the review is {review['decision']} by {review['decided_by']['rule']}: {said}")
        self.story.expect("nobody on the lists has this name", review["watch_list"]["matches"], [])
        seen = self.story.ok(self.api.get(f"{CUSTOMERS}/{made['id']}"))
        first, last = name.split()
        self.story.expect("the first contract has it too", seen["name"], {"firstName": first, "lastName": last, "fullName": name})
        return made

    def signed(self, customer: dict, secret: str) -> None:
        self.say.heading("18. The webhook, signed by the Standard Webhooks scheme")
        [delivery] = wait_for(CREATED, lambda: [
            delivery for delivery in self.endpoint.deliveries if customer["id"] in delivery.raw.decode()
        ], self.story.patience)
        event = standardwebhooks.Webhook(secret).verify(delivery.raw, delivery.headers)
        self.say.passed("the library that receivers use accepts the signature")
        shown = {**event, "data": event["data"]["id"]}
        self.story.expect("the documented envelope", shown, {
            "event_type": CREATED, "event_id": UUID, "account_id": self.story.partner, "data": customer["id"],
        })

    def decide(self) -> None:
        self.say.heading("19. A listed name goes to a person, who decides")
        made = self.data(self.api.post(STRADDLE, self.body("Vladimir Putin"), key=uuid.uuid4().hex), 201)
        self.story.expect("it is in review", made["status"], "review")
        watch_list = self.data(self.api.get(f"{STRADDLE}/{made['id']}/review"))["identity_details"]["watch_list"]
        match = watch_list["matches"][0]
        self.say.note(f"matched: {match['list_name']}, {', '.join(match['match_fields'])}, {match['correlation']}")
        decided = self.data(self.api.patch(f"{STRADDLE}/{made['id']}/review", {"status": "rejected"}, key=uuid.uuid4().hex))
        self.story.expect("and rejected by the reviewer", decided["status"], "rejected")
