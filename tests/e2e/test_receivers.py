"""Receivers that misbehave: each costs one bounded attempt, is told apart in the attempt log, and delays nobody else."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from support import receiver as behaviours
from support.bundle import REGISTRATIONS, Bundle, Partner
from support.receiver import Endpoint, Receiver
from support.waiting import wait_for

# The sender's own deadline for one delivery is 10 s.
DEADLINE_MS = 10_000


@dataclass
class Case:
    event_name: str
    behaviour: Callable | None
    status: str
    error: str | None
    status_code: int | None = None
    slow: bool = False


CASES = {
    "answers 200": Case("Core.Customer.Onboarded", behaviours.answer(200), "Success", None, 200),
    "answers 204": Case("Core.Customer.Ofac.Changed", behaviours.answer(204), "Success", None, 204),
    "answers 500": Case("Core.Customer.PepScan.Changed", behaviours.answer(500, b"oops"), "Failed", "status", 500),
    "answers 404": Case("Core.Customer.Name.Changed", behaviours.answer(404), "Failed", "status", 404),
    "hangs": Case("Core.Customer.Profile.Changed", behaviours.hang, "Failed", "timeout", slow=True),
    "trickles": Case("Core.Customer.Phone.Added", behaviours.trickle, "Failed", "timeout", slow=True),
    "closes in the middle": Case("Core.Customer.Phone.Changed", behaviours.close_early, "Failed", "closed-early"),
    "closes at once": Case("Core.Customer.Phone.Removed", behaviours.close_at_once, "Failed", "closed-early"),
    "speaks something else": Case("Core.Customer.Email.Added", behaviours.not_http, "Failed", "protocol"),
    "is not there": Case("Core.Customer.Email.Changed", None, "Failed", "connect"),
    "redirects": Case("Core.Customer.Email.Removed", behaviours.redirect("/elsewhere"), "Failed", "redirect", 302),
    "floods": Case("Core.Customer.Address.Added", behaviours.flood, "", None),
}


@dataclass
class Outcome:
    case: Case
    endpoint: Endpoint | None
    event: dict


@pytest.fixture(scope="module")
def outcomes(partner: Partner, receiver: Receiver) -> dict[str, Outcome]:
    """All of them pinged at once; what each came to."""
    target = receiver.endpoint()
    CASES["redirects"].behaviour = behaviours.redirect(target.url)
    begun = {}
    for name, case in CASES.items():
        endpoint = receiver.endpoint(case.behaviour, "bad") if case.behaviour else None
        registration = partner.register(case.event_name, endpoint.url if endpoint else receiver.unused_url())
        ping = partner.api.put(f"{REGISTRATIONS}/{registration['id']}/ping").expect(200)
        begun[name] = (case, endpoint, ping["id"])
    done = {}
    for name, (case, endpoint, event_id) in begun.items():
        event = wait_for(f"the receiver that {name}", lambda e=event_id: (seen := partner.event(e))["status"] != "Pending" and seen, 45)
        done[name] = Outcome(case, endpoint, event)
    done["redirect target"] = Outcome(CASES["redirects"], target, {})
    return done


@pytest.mark.parametrize("name", [name for name in CASES if name != "floods"])
def test_each_is_told_apart(outcomes: dict[str, Outcome], name: str) -> None:
    case, event = CASES[name], outcomes[name].event
    assert event["status"] == case.status
    [attempt] = event["attempts"]
    assert attempt.get("error") == case.error, attempt
    assert attempt.get("statusCode") == case.status_code
    if case.slow:
        assert DEADLINE_MS * 0.9 <= attempt["durationMs"] <= DEADLINE_MS * 1.3, attempt
    else:
        assert attempt["durationMs"] < DEADLINE_MS * 0.5, attempt


def test_a_redirect_is_not_followed(outcomes: dict[str, Outcome]) -> None:
    assert len(outcomes["redirects"].endpoint.deliveries) == 1
    assert outcomes["redirect target"].endpoint.deliveries == []


def test_a_flood_is_not_drunk(outcomes: dict[str, Outcome]) -> None:
    """Whether an endless 200 counts is for the sender to say; that it does not read it all is not."""
    [attempt] = outcomes["floods"].event["attempts"]
    assert attempt["durationMs"] <= DEADLINE_MS * 1.3
    # What the sender did not read still fills the buffers of the connection between them.
    assert outcomes["floods"].endpoint.flooded < 16 * 1024 * 1024


def test_pings_suspend_nobody(partner: Partner, outcomes: dict[str, Outcome]) -> None:
    assert {found["status"] for found in partner.api.get(REGISTRATIONS, {"pageSize": 50}).expect(200)["results"]} == {"Active"}


def test_a_hanging_receiver_does_not_delay_the_others(bundle: Bundle, receiver: Receiver) -> None:
    slow, quick = bundle.new_partner(), bundle.new_partner()
    hanging, healthy = receiver.endpoint(behaviours.hang), receiver.endpoint()
    stuck = slow.register("Core.Customer.Onboarded", hanging.url)
    quick.register("Core.Customer.Onboarded", healthy.url)
    pings = [slow.api.put(f"{REGISTRATIONS}/{stuck['id']}/ping").expect(200)["id"] for _ in range(4)]
    hanging.wait_for_deliveries(1)
    made = [quick.onboard()["id"] for _ in range(5)]
    for customer in made:
        healthy.wait_for_events(1, customer, seconds=6)
    assert any(slow.event(ping)["status"] == "Pending" for ping in pings), "the slow ones were still hanging meanwhile"
    for ping in pings:
        wait_for("the hanging ping gives up", lambda ping=ping: slow.event(ping)["status"] == "Failed", 60)


def test_a_name_that_does_not_resolve_is_a_failed_attempt(partner: Partner, outcomes: dict[str, Outcome]) -> None:
    registration = partner.register("Core.Customer.Address.Changed", "https://no-such-host.invalid/hook")
    ping = partner.api.put(f"{REGISTRATIONS}/{registration['id']}/ping").expect(200)
    event = wait_for("the ping gives up", lambda: (seen := partner.event(ping["id"]))["status"] == "Failed" and seen)
    assert event["attempts"][0]["error"] == "dns"
