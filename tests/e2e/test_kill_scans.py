"""Ends the processes between a customer and its scans at every step that anybody outside can see, for real.

A fail point ends the process as a lost machine would: no answer, nothing flushed. Afterwards every scan must have its
result exactly once, and no event be missing or doubled.
"""

import time

import pytest
from support import samples
from support.bundle import Bundle, Partner
from support.ekyc import Ekyc
from support.receiver import Receiver
from support.waiting import wait_for

STEPS = [
    ("scan-request", "scan-request:after-send"),
    ("scan-worker", "scan-worker:before-commit"),
    ("scan-worker", "scan-worker:after-commit"),
]


@pytest.mark.parametrize(("function", "step"), STEPS, ids=[step for _, step in STEPS])
def test_a_scan_survives_the_end_of_its_worker(bundle: Bundle, partner: Partner, receiver: Receiver, function: str, step: str) -> None:
    endpoint = receiver.endpoint()
    names = ("Core.Customer.Ofac.Changed", "Core.Customer.PepScan.Changed")
    registrations = [partner.register(name, endpoint.url) for name in names]
    with bundle.visibility("ScanQueueUrl", 2):
        since = time.time()
        with bundle.configured(function, GATEHOUSE_FAILPOINT=step):
            clear = partner.onboard()
            hit = partner.onboard(samples.named(partner.id, "Vladimir", "Putin"))
            wait_for("the process ends", lambda: bundle.deaths(function, since) >= 1)
        done = {made["id"]: partner.screened(made["id"], 60) for made in (clear, hit)}
        wait_for("the queue is empty", lambda: bundle.waiting_in("ScanQueueUrl") == 0, 60)
    assert done[clear["id"]]["ofac"] == done[clear["id"]]["pepScan"] == "Clear"
    assert done[hit["id"]]["pepScan"] == "Failed"
    for made in (clear, hit):
        for name in names:
            endpoint.wait_for_events(1, made["id"], name, 60)
        evidence = [item for item in bundle.evidence(partner.id, made["id"]) if "lists" in item]
        assert len(evidence) == 1, "one run, one piece of evidence"
        events = [item for item in bundle.items(partner.id, made["id"], "EVENT#") if "ScanChanged" in repr(item)]
        assert len(events) == 2, "each scan changed once"
        assert [entry["action"] for entry in bundle.audit(partner.id, made["id"])] == ["Onboard", "Review"]
        assert bundle.check_audit(partner.id, made["id"])["intact"]
    ids = [event["id"] for registration in registrations for event in partner.events_of(registration["id"])]
    assert len(ids) == 4
    assert set(endpoint.ids()) == set(ids)
    for registration in registrations:
        partner.api.delete(f"/webhooks/v1/registrations/{registration['id']}").expect(200)


@pytest.mark.parametrize("step", ["scan-worker:remembered", "scan-worker:before-commit", "scan-worker:after-commit"])
def test_a_review_for_a_proved_account_survives_the_end_of_its_worker(bundle: Bundle, partner: Partner, step: str) -> None:
    account = samples.bank_account()
    alert = {"action": "raise-alert", "partnerId": partner.id, "kind": "bankAccount", "value": samples.SORT_CODE + account}
    bundle.invoke("review-admin", alert)
    made = partner.onboard()
    # The process is to end over the account's message, and not over the one that its first review leads to.
    wait_for("the network remembers it", lambda: bundle.items(partner.id, made["id"], "NETWORK"))
    wait_for("the queue is worked off", lambda: bundle.waiting_in("ScanQueueUrl") == 0)
    with bundle.visibility("ScanQueueUrl", 2):
        since = time.time()
        with bundle.configured("scan-worker", GATEHOUSE_FAILPOINT=step):
            Ekyc(bundle, partner).prove(made, account)
            wait_for("the process ends", lambda: bundle.deaths("scan-worker", since) >= 1)
        wait_for("it is reviewed again", lambda: len(bundle.items(partner.id, made["id"], "REVIEW#")) == 2, 60)
        wait_for("the queue is empty", lambda: bundle.waiting_in("ScanQueueUrl") == 0, 60)
    reviews = bundle.items(partner.id, made["id"], "REVIEW#")
    assert len(reviews) == 2, "once and no more"
    alerts = [kept["review"]["assessment"]["network_alerts"]["alerts"] for kept in reviews]
    assert alerts == [[], ["bank_account.listed"]]
    assert bundle.check_audit(partner.id, made["id"])["intact"]


def test_an_erasure_is_finished_after_the_end_of_its_worker(bundle: Bundle, partner: Partner) -> None:
    made = partner.onboard()
    partner.screened(made["id"])
    assert bundle.evidence(partner.id, made["id"])
    with bundle.visibility("ScanQueueUrl", 2):
        since = time.time()
        with bundle.configured("scan-worker", GATEHOUSE_FAILPOINT="scan-worker:before-purge"):
            partner.api.delete(f"/v1/customers/{made['id']}").expect(200)
            wait_for("the process ends", lambda: bundle.deaths("scan-worker", since) >= 1)
        wait_for("what it left is removed", lambda: not bundle.evidence(partner.id, made["id"]), 60)
    assert bundle.check_audit(partner.id, made["id"])["intact"], "the chain stays"


def test_a_message_that_cannot_be_done_ends_in_the_dead_letter_queue_and_stops_nobody(bundle: Bundle, partner: Partner) -> None:
    before = bundle.waiting_in("ScanDeadLettersUrl")
    wait_for("the queue is worked off", lambda: bundle.waiting_in("ScanQueueUrl") == 0, 60)
    bundle.send("ScanQueueUrl", '{"this is": "no scan request"}')
    made = partner.onboard()
    assert partner.screened(made["id"])["ofac"] == "Clear"
    assert bundle.waiting_in("ScanDeadLettersUrl") == before, "what comes behind it waits for none of its tries"
    # A slow worker would lose what the onboarding itself leads to in the same way.
    wait_for("the network remembers it", lambda: bundle.items(partner.id, made["id"], "NETWORK"))
    wait_for("nothing else is left", lambda: bundle.waiting_in("ScanQueueUrl") == 1, 60)
    with bundle.visibility("ScanQueueUrl", 1):
        wait_for("it is set aside", lambda: bundle.waiting_in("ScanDeadLettersUrl") == before + 1, 60)
    wait_for("the queue is worked off", lambda: bundle.waiting_in("ScanQueueUrl") == 0)

