"""The nightly screening of everybody: each customer once a night, however often the schedule fires, and what it finds.

Every test has a night of its own, far from any real one.
"""

import itertools
import json
import time

import pytest
from support import samples
from support.bundle import Bundle, FunctionFailed, Partner
from support.receiver import Receiver
from support.waiting import stays, wait_for
from support.watchlists import Lists

_NIGHTS = itertools.count(int(time.time()) % 20_000)


@pytest.fixture
def night() -> dict:
    """The schedule's event of a night that nobody else has."""
    day = time.gmtime((30_000 + next(_NIGHTS)) * 86_400)
    return {"source": "aws.events", "detail-type": "Scheduled Event", "time": time.strftime("%Y-%m-%dT02:00:00Z", day)}


def screenings(bundle: Bundle, partner: Partner, customer: str) -> list[dict]:
    return [item for item in bundle.evidence(partner.id, customer) if "lists" in item]


def everybody(bundle: Bundle, partner: Partner, made: list[dict], count: int) -> None:
    for customer in made:
        wait_for("the night's screening", lambda c=customer: len(screenings(bundle, partner, c["id"])) == count, 60)


def idle(bundle: Bundle) -> None:
    wait_for("the queue is empty", lambda: bundle.waiting_in("ScanQueueUrl") == 0, 60)


def test_everybody_is_screened_once_a_night_and_nothing_is_announced(bundle: Bundle, partner: Partner, night: dict) -> None:
    made = [partner.onboard(), partner.onboard(samples.company(partner.id)), partner.onboard(samples.named(partner.id, "Vladimir", "Putin"))]
    before = [partner.screened(customer["id"]) for customer in made]
    for _ in range(2):
        swept = bundle.invoke("scan-schedule", night)
        assert all(part["done"] for part in swept["parts"])
        assert sum(part["customers"] for part in swept["parts"]) >= len(made)
    everybody(bundle, partner, made, 2)
    stays("the screenings", lambda: [len(screenings(bundle, partner, c["id"])) for c in made], [2, 2, 2], 1.0)
    assert [partner.customer(customer["id"]) for customer in made] == before
    for customer in made:
        changed = [item for item in bundle.items(partner.id, customer["id"], "EVENT#") if "ScanChanged" in repr(item)]
        assert len(changed) == 2, "only the first screening moved anything"


def test_a_list_entry_that_no_sweep_was_for_is_found_in_the_night_and_announced(
    bundle: Bundle, partner: Partner, receiver: Receiver, lists: Lists, night: dict
) -> None:
    """The night is the second net: here it meets an edition whose change the manifest does not name any more."""
    first, last = samples.word(), samples.word()
    made = partner.onboard(samples.named(partner.id, first, last))
    assert partner.screened(made["id"])["pepScan"] == "Clear"
    endpoint = receiver.endpoint()
    partner.register("Core.Customer.PepScan.Changed", endpoint.url)
    # Sandboxes are replaced twice below, and whoever is at work then ends without its line in the log.
    idle(bundle)
    with bundle.paused("scan-worker"):
        lists.publish((f"test-{first.lower()}", first, last, ""))
        lists.write(lists.manifest_key, json.dumps({**lists.manifest, "changes": []}).encode())
        bundle.drop_messages("ScanQueueUrl")
    # New sandboxes read the new edition at once; running ones do so within minutes.
    with bundle.configured("scan-worker"):
        bundle.invoke("scan-schedule", night)
        endpoint.wait_for_events(1, made["id"], seconds=60)
        idle(bundle)
    assert partner.customer(made["id"])["pepScan"] == "Failed"


@pytest.mark.parametrize("step", ["scan-schedule:after-send", "scan-schedule:after-progress"])
def test_a_night_that_was_killed_is_taken_up_again(bundle: Bundle, partner: Partner, night: dict, step: str) -> None:
    made = [partner.onboard() for _ in range(3)]
    for customer in made:
        partner.screened(customer["id"])
    with bundle.configured("scan-schedule", GATEHOUSE_FAILPOINT=step), pytest.raises(FunctionFailed) as death:
        bundle.invoke("scan-schedule", night)
    assert "exited" in str(death.value)
    assert all(part["done"] for part in bundle.invoke("scan-schedule", night)["parts"])
    everybody(bundle, partner, made, 2)
    idle(bundle)
    assert [len(screenings(bundle, partner, customer["id"])) for customer in made] == [2, 2, 2]
