"""The onboarding tutorial of the COS contract, an eKYC chapter and one through Straddle's contract, told against a running
bundle: every request, reply and webhook is real.

    demo.py .local/dev/environment.json

Each step is compared with what the contract documents (cos.md §7). Invariant: the exit code is 0 only when every
expectation held; otherwise the first one that did not is printed and the story ends there.
"""

import argparse
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.api import AUDIENCE, Answer, Api  # noqa: E402
from support.bundle import CUSTOMERS, REGISTRATIONS, Bundle  # noqa: E402
from support.receiver import Endpoint, Receiver  # noqa: E402
from support.shape import CIF_NUMBER, TIME, UUID, differences  # noqa: E402
from support.transcript import Transcript  # noqa: E402
from support.waiting import NotInTime  # noqa: E402

import ekyc_chapter  # noqa: E402
import straddle_chapter  # noqa: E402

ONBOARDED, OFAC, PEP = "Core.Customer.Onboarded", "Core.Customer.Ofac.Changed", "Core.Customer.PepScan.Changed"
EVENTS = (ONBOARDED, OFAC, PEP, ekyc_chapter.AUTHENTICATED)


class NotAsDocumented(Exception):
    """A step of the story went another way than the contract says."""


class Story:
    def __init__(self, bundle: Bundle, transcript: Transcript, patience: float) -> None:
        self.bundle = bundle
        self.say = transcript
        self.patience = patience
        self.partner = bundle.environment["client"]["partnerId"]
        self.anonymous = Api(bundle.base_url, observe=transcript.exchange)
        self.api = self.anonymous

    # ---- how expectations are said

    def expect(self, what: str, actual, expected) -> None:
        found = differences(expected, actual)
        if found:
            raise NotAsDocumented("\n".join([f"  {what}:", *(f"    {difference}" for difference in found)]))
        self.say.passed(what)

    def ok(self, answer: Answer) -> dict:
        if answer.status != 200:
            raise NotAsDocumented(f"  {answer.request} answered {answer.status}, expected 200")
        return answer.json()

    def arrives(self, endpoint: Endpoint, name: str, customer: str, count: int = 1) -> dict:
        """The `count`th event of this name for this customer; checks the documented body."""
        try:
            found = endpoint.wait_for_events(count, customer, name, self.patience)
        except NotInTime:
            raise NotAsDocumented(f"  the webhook {name} did not arrive within {self.patience:g} s") from None
        self.expect(f"{name} arrived with the documented body", found[count - 1], {
            "id": UUID,
            "eventName": name,
            "status": "Pending",
            "partnerId": self.partner,
            "createdAt": TIME,
            "resources": [f"core/v1/cm/customers/{customer}"],
            "details": [],
        })
        return found[count - 1]

    # ---- the story

    def tell(self) -> None:
        with Receiver() as receiver:
            endpoint = receiver.endpoint(name="core-events")
            endpoint.on_delivery = self.say.webhook
            self.get_a_token()
            with self.registered(endpoint):
                bob = self.onboard_bob()
                self.scans_come_clear(endpoint, bob)
                self.complete_bob(bob)
                suspect = self.sandbox_triggers(endpoint)
                self.review(endpoint, suspect)
                ekyc_chapter.tell(self, endpoint, bob)
                straddle_chapter.tell(self, bob)

    def get_a_token(self) -> None:
        self.say.heading("1. Get an access token")
        credentials = self.bundle.environment["client"]
        answer = self.anonymous.ask_for_token({
            "grant_type": "client_credentials",
            "client_id": credentials["clientId"],
            "client_secret": credentials["clientSecret"],
            "audience": AUDIENCE,
        })
        body = self.ok(answer)
        facts = {name: body.get(name) for name in ("token_type", "expires_in")}
        self.expect("a bearer token for 24 hours", facts, {"token_type": "Bearer", "expires_in": 86400})
        self.api = self.anonymous.with_token(body["access_token"])

    @contextmanager
    def registered(self, endpoint: Endpoint) -> Iterator[None]:
        self.say.heading(f"2. Register webhooks (a receiver listens on {endpoint.url})")
        for left_over in self.ok(self.quiet.get(REGISTRATIONS))["results"]:
            if left_over["eventName"] in EVENTS:
                self.ok(self.quiet.delete(f"{REGISTRATIONS}/{left_over['id']}"))
                self.say.note(f"removed the registration for {left_over['eventName']} of an earlier story")
        made = []
        try:
            for name in EVENTS:
                answer = self.ok(self.api.post(REGISTRATIONS, {
                    "partnerId": self.partner,
                    "eventName": name,
                    "registrationType": "Push",
                    "callbackUrl": endpoint.url,
                }))
                made.append(answer["id"])
                self.expect(f"registered for {name}", answer, {
                    "id": UUID,
                    "partnerId": self.partner,
                    "eventName": name,
                    "type": "Push",
                    "callbackUrl": endpoint.url,
                    "format": "Basic",
                    "status": "Active",
                    "createdAt": TIME,
                    "lastModifiedAt": TIME,
                })
            yield
        finally:
            # The receiver ends with the story; what points at it must not be left to fail and be suspended.
            for registration in made:
                self.quiet.delete(f"{REGISTRATIONS}/{registration}")

    @property
    def quiet(self) -> Api:
        return Api(self.api.base_url, self.api.token)

    def onboard_bob(self) -> dict:
        self.say.heading("3. Onboard a customer, with an idempotency key")
        request = {
            "partnerId": self.partner,
            "name": {"firstName": "Bob", "lastName": "Smith"},
            "classification": "Personal",
            "profile": {
                "regO": False,
                "politicallyExposedPerson": False,
                "taxIdType": "Ssn",
                "taxId": "119988776",
                "birthDate": "1953-09-22",
                "riskRating": "Low",
            },
        }
        key = str(uuid.uuid4())
        first = self.api.post(CUSTOMERS, request, key=key)
        bob = self.ok(first)
        self.expect("the customer as documented: Active, both scans Pending", bob, {
            "id": UUID,
            "cifNumber": CIF_NUMBER,
            "classification": "Personal",
            "status": "Active",
            "ofac": "Pending",
            "pepScan": "Pending",
            "name": {"firstName": "Bob", "lastName": "Smith", "fullName": "Bob Smith"},
            "profile": {**request["profile"], "enableBackupWithholding": False},
            "createdAt": TIME,
            "lastModifiedAt": TIME,
            "partnerId": self.partner,
        })
        self.say.heading("   The same request with the same key once more")
        again = self.api.post(CUSTOMERS, request, key=key)
        self.expect("the same answer, not a second customer", self.ok(again), bob)
        self.expect(
            "original-request-id names the first request",
            again.headers.get("original-request-id"),
            first.headers.get("request-id", "the first answer had no request-id"),
        )
        return bob

    def scans_come_clear(self, endpoint: Endpoint, bob: dict) -> None:
        self.say.heading("4. The webhooks: onboarded, and both scans changed")
        for name in (ONBOARDED, OFAC, PEP):
            self.arrives(endpoint, name, bob["id"])
        self.say.heading("5. Read the customer: both scans are Clear")
        now = self.ok(self.api.get(f"{CUSTOMERS}/{bob['id']}"))
        self.expect("Clear and Clear, citizenship and due diligence filled in", now, {
            **bob,
            "ofac": "Clear",
            "pepScan": "Clear",
            "profile": {**bob["profile"], "citizenshipCountryCode": "US"},
            "lastModifiedAt": TIME,
            "dueDiligence": {"annualIncome": 0},
        })
        if now["lastModifiedAt"] <= bob["lastModifiedAt"]:
            raise NotAsDocumented("  the scans' results did not move lastModifiedAt")

    def complete_bob(self, bob: dict) -> None:
        self.say.heading("6. Add the address")
        address = {
            "addressType": "Home",
            "classification": "Residential",
            "isPrimary": True,
            "street1": "123 Any St",
            "city": "Anywhere",
            "state": "NY",
            "postalCode": "12345",
            "countryCode": "US",
        }
        added = self.ok(self.api.post(f"{CUSTOMERS}/{bob['id']}/addresses", address))
        self.expect("the address, primary", added, {"id": UUID, **address})
        self.say.heading("7. Add the phone")
        phone = {"isPrimary": True, "phoneType": "Mobile", "phoneNumber": "2015552345"}
        added_phone = self.ok(self.api.post(f"{CUSTOMERS}/{bob['id']}/phones", phone))
        self.expect("the phone, primary", added_phone, {"id": UUID, **phone})
        bob = self.ok(self.quiet.get(f"{CUSTOMERS}/{bob['id']}"))
        primaries = {name: bob.get(name) for name in ("primaryAddress", "primaryPhone")}
        self.expect("onboarding is complete", primaries, {"primaryAddress": added, "primaryPhone": added_phone})

    def sandbox_triggers(self, endpoint: Endpoint) -> dict:
        """Onboards the three names that hit; answers the one for the reviewer."""
        person = {"partnerId": self.partner, "classification": "Personal"}
        felix = {
            **person,
            "name": {"firstName": "Francisco Javier", "lastName": "Arellano Félix"},
            "profile": {"birthDate": "1969-12-11"},
        }
        diamond = {
            "partnerId": self.partner,
            "classification": "Business",
            "name": {"entityName": "Blue Star Diamond"},
            "profile": {},
        }
        putin = {**person, "name": {"firstName": "Vladimir", "lastName": "Putin"}, "profile": {}}
        self.say.heading("8. A person on the sanctions list")
        hit = self.trigger(endpoint, felix, OFAC, "ofac", ["arellano", "felix"])
        self.say.heading("9. An entity on the sanctions list")
        self.trigger(endpoint, diamond, OFAC, "ofac", ["blue", "star", "diamond"])
        self.say.heading("10. A politically exposed person")
        self.trigger(endpoint, putin, PEP, "pepScan", ["vladimir", "putin"])
        return hit

    def trigger(self, endpoint: Endpoint, request: dict, event: str, scan: str, words: list[str]) -> dict:
        customer = self.ok(self.api.post(CUSTOMERS, request, key=str(uuid.uuid4())))
        self.arrives(endpoint, event, customer["id"])
        now = self.ok(self.quiet.get(f"{CUSTOMERS}/{customer['id']}"))
        self.expect(f"{scan} is Failed", now[scan], "Failed")
        entries = [hit for item in self.bundle.evidence(self.partner, customer["id"]) for hit in item.get(scan, [])]
        if not entries:
            raise NotAsDocumented(f"  no matched entry is stored for {scan}")
        best = max(entries, key=lambda hit: hit["score"])
        self.say.note(
            f"matched entry: {best['name']} ({best['listName']}, {best['uid']}), "
            f"by the name {best['matchedName']}, score {float(best['score']):.2f}"
        )
        missing = [word for word in words if word not in _folded(f"{best['name']} {best['matchedName']}")]
        self.expect("the matched entry is the listed one", missing, [])
        return now

    def review(self, endpoint: Endpoint, suspect: dict) -> None:
        self.say.heading("11. A reviewer looks at the first one and clears it")
        credentials = self.bundle.environment["client"]
        reviewer = self.anonymous.authenticate(
            credentials["clientId"], credentials["clientSecret"], "compliance:review customers:read"
        )
        path = f"{CUSTOMERS}/{suspect['id']}/ofac-decision"
        earlier = len(endpoint.events(suspect["id"], OFAC))
        looking = self.ok(reviewer.post(path, {"decision": "Reviewing"}))
        self.expect("ofac is Reviewing", looking["ofac"], "Reviewing")
        self.arrives(endpoint, OFAC, suspect["id"], earlier + 1)
        cleared = self.ok(reviewer.post(path, {"decision": "Clear", "reason": "Another person: the passport shows a different place of birth"}))
        self.expect("ofac is Clear", cleared["ofac"], "Clear")
        self.arrives(endpoint, OFAC, suspect["id"], earlier + 2)
        kept = self.ok(reviewer.get(f"{CUSTOMERS}/{suspect['id']}"))
        self.expect("it stays Clear, and the other scan was never in doubt", [kept["ofac"], kept["pepScan"]], ["Clear", "Clear"])


def _folded(name: str) -> str:
    return name.lower().replace("é", "e").replace("á", "a").replace("í", "i")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", type=Path, help="the description of a running bundle")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for each webhook (default: 60)")
    arguments = parser.parse_args()
    transcript = Transcript()
    begun = time.monotonic()
    try:
        Story(Bundle(arguments.environment), transcript, arguments.patience).tell()
    except NotAsDocumented as difference:
        transcript.failed(str(difference))
        return 1
    except BrokenPipeError:
        # The reader of a pipe has seen enough; Python would complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (AssertionError, OSError) as failure:
        transcript.failed(f"  {failure}")
        return 1
    transcript.heading(f"The story went as documented, in {time.monotonic() - begun:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
