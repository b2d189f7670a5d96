"""Continuous monitoring: a list changes, and every customer whom the change concerns has its answer without being asked for.

Each test lists people that no other has, and the list is put back afterwards.
"""

import itertools
import json
import time
from collections.abc import Iterator

import pytest
from support import samples
from support.bundle import CUSTOMERS, REGISTRATIONS, Bundle, Partner
from support.receiver import Endpoint, Receiver
from support.waiting import stays, wait_for, wait_until_equal
from support.watchlists import Lists

_KEYS = itertools.count(1)


class Listed:
    """A person who is a customer already, and the list's row of the same name."""

    def __init__(self, bundle: Bundle, partner: Partner, lists: Lists, endpoint: Endpoint) -> None:
        self.bundle, self.partner, self.lists, self.endpoint = bundle, partner, lists, endpoint
        self.first, self.last = samples.word(), samples.word()
        self.key = f"test-{next(_KEYS)}"
        made = partner.onboard(samples.named(partner.id, self.first, self.last))
        self.id = made["id"]
        assert partner.screened(self.id)["pepScan"] == "Clear"

    def enlist(self, role: str = "") -> None:
        self.lists.publish((self.key, self.first, self.last, role), self._filler())

    def delist(self) -> None:
        """Somebody else is listed instead: a list that loses many entries at once would be refused."""
        self.lists.publish((f"{self.key}-other", *samples.strangers_name(), ""), self._filler())

    def _filler(self) -> tuple[str, str, str, str]:
        """Another edition each time."""
        return (f"filler-{next(_KEYS)}", *samples.strangers_name(), "")

    @property
    def status(self) -> str:
        return self.partner.customer(self.id)["pepScan"]

    def becomes(self, status: str) -> None:
        wait_until_equal("pepScan", lambda: self.status, status, 60)

    def remains(self, status: str) -> None:
        """Until the sweep is done, and a little longer."""
        wait_for("the sweep is done", lambda: self.lists.sweep()["done"], 60)
        wait_for("the queue is empty", lambda: self.bundle.waiting_in("ScanQueueUrl") == 0, 60)
        stays("pepScan", lambda: self.status, status, 0.5)

    def decide(self, decision: str) -> None:
        body = {"decision": decision, "reason": "checked by hand"}
        assert self.partner.api.post(f"{CUSTOMERS}/{self.id}/pep-scan-decision", body).expect(200)["pepScan"] == decision

    def screenings(self) -> list[dict]:
        return [item for item in self.bundle.evidence(self.partner.id, self.id) if "lists" in item]


@pytest.fixture(scope="module")
def endpoint(partner: Partner, receiver: Receiver) -> Endpoint:
    found = receiver.endpoint()
    partner.register("Core.Customer.PepScan.Changed", found.url)
    return found


@pytest.fixture
def listed(bundle: Bundle, partner: Partner, lists: Lists, endpoint: Endpoint) -> Listed:
    return Listed(bundle, partner, lists, endpoint)


def test_an_added_entry_is_found_and_a_removed_one_closes_its_case(bundle: Bundle, partner: Partner, listed: Listed) -> None:
    # A name that is no hit for a made-up one, as another made-up one may be.
    first, last = map(samples.private, ("Hosea", "Mahomey"))
    bystander = partner.screened(partner.onboard(samples.named(partner.id, first, last))["id"])
    listed.enlist()
    listed.becomes("Failed")
    found = [item for item in listed.screenings() if item["pepScan"]]
    assert [hit["uid"] for item in found for hit in item["pepScan"]] == [listed.key]
    assert found[0]["lists"] and found[0]["configVersion"] and found[0]["withdrawn"] == []
    # Taken on: Pending to Clear; now: Clear to Failed.
    listed.endpoint.wait_for_events(2, listed.id, seconds=60)

    listed.delist()
    listed.becomes("Clear")
    [closed] = [item for item in listed.screenings() if item["withdrawn"]]
    assert [(hit["uid"], hit["reason"]) for hit in closed["withdrawn"]] == [(listed.key, "removed")]
    listed.endpoint.wait_for_events(3, listed.id, seconds=60)
    assert [entry["action"] for entry in bundle.audit(partner.id, listed.id)] == ["Onboard", "Review", "Screen", "Screen"]
    assert bundle.check_audit(partner.id, listed.id)["intact"]
    listed.remains("Clear")
    assert len(listed.screenings()) == 3
    # Whom it does not concern, it does not touch.
    assert partner.customer(bystander["id"]) == bystander
    assert len([item for item in bundle.evidence(partner.id, bystander["id"]) if "lists" in item]) == 1


def test_a_representative_who_is_listed_later_moves_the_business(bundle: Bundle, partner: Partner, listed: Listed) -> None:
    sent = {
        "name": f"{samples.word()} Works", "type": "business", "email": samples.email_address(), "phone": samples.private("+17755550142"),
        "device": {"ip_address": "0.0.0.0"},
        "compliance_profile": {
            "ein": samples.private(f"46-{samples.digits(7)}"), "website": "https://example.com", "legal_business_name": f"{samples.word()} Holding LLC",
            "representatives": [{"name": f"{listed.first} {listed.last}", "email": samples.email_address(), "phone": "+12015550123"}],
        },
    }
    made = partner.api.post("/v1/customers", sent).expect(201)["data"]

    def scan() -> str:
        return partner.customer(made["id"])["pepScan"]

    def matches() -> list[dict]:
        return partner.api.get(f"/v1/customers/{made['id']}/review").expect(200)["data"]["identity_details"]["watch_list"]["matches"]

    assert (scan(), matches()) == ("Clear", [])
    listed.enlist()
    wait_until_equal("pepScan", scan, "Failed", 60)
    assert partner.api.get(f"/v1/customers/{made['id']}").expect(200)["data"]["status"] == "review"
    found = [hit for item in bundle.evidence(partner.id, made["id"]) for hit in item.get("pepScan", [])]
    assert {(hit["uid"], hit["whose"]) for hit in found} == {(listed.key, "representative")}
    assert matches()
    listed.delist()
    wait_until_equal("pepScan", scan, "Clear", 60)
    assert matches() == []


class News:
    """A list of adverse media beside the others."""

    def __init__(self, lists: Lists) -> None:
        self.lists, self.key = lists, f"{lists.pep_key}.news.csv"

    def publish(self, *rows: tuple[str, str, str, str]) -> None:
        """An edition of these people and a stranger, in force; the sweep past it has begun."""
        stranger = (f"filler-{next(_KEYS)}", *samples.strangers_name(), "")
        self.lists.write(self.key, self.lists.only_rows(stranger, *rows))
        assert self.lists.refresh()["news"]["result"] == "published"


@pytest.fixture
def news(lists: Lists) -> Iterator[News]:
    original, found = lists.read("sources.json"), News(lists)
    [pep] = [source for source in json.loads(original) if source["id"] == lists.pep_id]
    file = {"name": pep["files"][0]["name"], "location": f"bucket:{found.key}"}
    source = {**pep, "id": "news", "name": "Adverse media (sample)", "topic": "adverseMedia", "files": [file]}
    lists.write("sources.json", json.dumps([*json.loads(original), source]).encode())
    yield found
    lists.write("sources.json", original)


def test_whom_adverse_media_name_later_is_reviewed_and_no_scan_moves(
    bundle: Bundle, partner: Partner, receiver: Receiver, news: News,
) -> None:
    hook = receiver.endpoint()
    registration = partner.register("customer.event.v1", hook.url)
    first, last = samples.word(), samples.word()
    sent = {
        "name": f"{first} {last}", "type": "individual", "email": samples.email_address(), "phone": samples.private("+17755550142"),
        "device": {"ip_address": "0.0.0.0"}, "config": {"sandbox_outcome": "verified"},
    }
    made = partner.api.post("/v1/customers", sent).expect(201)["data"]
    path = f"/v1/customers/{made['id']}"

    def status() -> str:
        return partner.api.get(path).expect(200)["data"]["status"]

    def codes() -> list[str]:
        return partner.api.get(f"{path}/review").expect(200)["data"]["identity_details"]["watch_list"]["codes"]

    def told() -> int:
        about = [delivery.event.get("data", {}) for delivery in list(hook.deliveries)]
        return [data["status"] for data in about if data.get("id") == made["id"]].count("review")

    assert (made["status"], "R185" in codes()) == ("verified", False)
    scans = {name: value for name, value in partner.customer(made["id"]).items() if name in ("ofac", "pepScan")}
    listed = ("news-1", first, last, "")
    news.publish(listed)
    wait_until_equal("status", status, "review", 60)
    assert "R185" in codes()
    assert {name: partner.customer(made["id"])[name] for name in scans} == scans
    found = [hit["uid"] for item in bundle.evidence(partner.id, made["id"]) for hit in item.get("adverseMedia", [])]
    assert found == ["news-1"]
    wait_until_equal("events of a review", told, 1, 60)
    # What a person accepts stays accepted, and the decision is bound.
    decided = partner.api.patch(f"{path}/review", {"status": "verified"}).expect(200)["data"]
    assert decided["status"] == "verified"
    news.publish(listed)
    wait_for("the sweep is done", lambda: news.lists.refresh()["news"]["sweeps"][-1]["done"], 60)
    wait_for("the queue is empty", lambda: bundle.waiting_in("ScanQueueUrl") == 0, 60)
    assert status() == "verified"
    assert told() == 1
    partner.api.delete(f"{REGISTRATIONS}/{registration['id']}").expect(200)
    assert [item["scan"] for item in bundle.evidence(partner.id, made["id"]) if "decision" in item] == ["AdverseMedia"]
    assert bundle.check_audit(partner.id, made["id"])["intact"]


def test_a_cleared_hit_stays_cleared_until_either_side_changes(partner: Partner, listed: Listed) -> None:
    listed.enlist()
    listed.becomes("Failed")
    listed.decide("Clear")
    # An edition that changes others; the entry leaves; it returns as it was.
    listed.enlist()
    listed.remains("Clear")
    listed.delist()
    listed.remains("Clear")
    listed.enlist()
    listed.remains("Clear")
    # The entry altered.
    listed.enlist("role.head")
    listed.becomes("Failed")
    listed.decide("Clear")
    # The customer altered.
    partner.api.put(f"{CUSTOMERS}/{listed.id}/profile", {"birthDate": "1961-05-05"}).expect(200)
    listed.becomes("Failed")


def test_what_a_person_confirmed_goes_back_to_a_person(listed: Listed) -> None:
    listed.enlist()
    listed.becomes("Failed")
    listed.decide("Positive")
    listed.enlist()
    listed.remains("Positive")
    listed.delist()
    listed.becomes("Reviewing")
    listed.delist()
    listed.remains("Reviewing")
    listed.decide("Positive")
    listed.delist()
    listed.remains("Positive")


def test_editions_in_a_row_end_with_the_last(bundle: Bundle, listed: Listed) -> None:
    with bundle.paused("scan-worker"):
        listed.enlist()
        listed.delist()
        listed.enlist("role.head")
    listed.becomes("Failed")
    listed.delist()
    listed.becomes("Clear")


def test_a_page_that_comes_again_changes_nothing(bundle: Bundle, partner: Partner, listed: Listed) -> None:
    listed.enlist()
    listed.becomes("Failed")
    before, evidence = partner.customer(listed.id), len(listed.screenings())
    sweep = wait_for("the sweep is done", lambda: (state := listed.lists.sweep())["done"] and state, 60)
    change = listed.lists.manifest["changes"][-1]
    for segment in range(8):
        page = {"sweep": sweep["sweep"], "list": change["list"], "edition": change["to"], "delta": change["delta"],
                "segment": segment, "segments": 8, "page": 0}
        for _ in range(2):
            bundle.send("ScanQueueUrl", page)
    wait_for("the queue is empty", lambda: bundle.waiting_in("ScanQueueUrl") == 0, 60)
    assert partner.customer(listed.id) == before
    assert len(listed.screenings()) == evidence
    assert listed.lists.sweep()["customers"] == sweep["customers"]


# ---- ended for real


@pytest.mark.parametrize("step", ["scan-worker:after-asking", "scan-worker:after-page", "scan-worker:after-next-page"])
def test_a_sweep_survives_the_end_of_its_worker(bundle: Bundle, partner: Partner, listed: Listed, step: str) -> None:
    with bundle.visibility("ScanQueueUrl", 2):
        since = time.time()
        with bundle.configured("scan-worker", GATEHOUSE_FAILPOINT=step):
            listed.enlist()
            wait_for("the process ends", lambda: bundle.deaths("scan-worker", since) >= 1, 60)
        listed.becomes("Failed")
        wait_for("the sweep is done", lambda: listed.lists.sweep()["done"], 60)
        wait_for("the queue is empty", lambda: bundle.waiting_in("ScanQueueUrl") == 0, 60)
    assert len(listed.screenings()) == 2, "when taken on, and by the sweep, once"
    listed.endpoint.wait_for_events(2, listed.id, seconds=60)
    events = [item for item in bundle.items(partner.id, listed.id, "EVENT#") if "ScanChanged" in repr(item)]
    assert len(events) == 3, "two when taken on, one by the sweep"
    assert bundle.check_audit(partner.id, listed.id)["intact"]
