"""Ends the processes between an event and its receiver at every step that anybody outside can see, for real.

Afterwards every event must have arrived at least once, under the one id that the API knows it by, and be recorded as
delivered. A worker that dies holding a delivery keeps it for its lease of 30 s, and what was to follow a record is due after
a minute at the latest.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.api import Answer
from support.bundle import EVENTS, REGISTRATIONS, Bundle, FunctionFailed, Partner
from support.receiver import Endpoint, Receiver, answer
from support.waiting import stays, wait_for

ONBOARDED = "Core.Customer.Onboarded"


@dataclass
class Victim:
    """A partner whose deliveries are interrupted."""

    partner: Partner
    endpoint: Endpoint
    registration: dict

    @property
    def events(self) -> list[dict]:
        return self.partner.events_of(self.registration["id"])

    def restart(self) -> Answer:
        return self.partner.api.put(f"{REGISTRATIONS}/{self.registration['id']}/restart")


@pytest.fixture(scope="module")
def house(bundle: Bundle, receiver: Receiver) -> Callable[..., Victim]:
    def make(behaviour=answer(200)) -> Victim:
        partner, endpoint = bundle.new_partner(), receiver.endpoint(behaviour)
        return Victim(partner, endpoint, partner.register(ONBOARDED, endpoint.url))

    return make


@pytest.fixture(scope="module", autouse=True)
def soon_again(bundle: Bundle) -> Iterator[None]:
    with bundle.visibility("DeliveryQueueUrl", 3):
        yield


@contextmanager
def dying(bundle: Bundle, function: str, step: str) -> Iterator[None]:
    """Runs with a fail point armed, and makes sure that it ended a process."""
    since = time.time()
    with bundle.configured(function, GATEHOUSE_FAILPOINT=step):
        yield
        wait_for(f"{function} ends at {step}", lambda: bundle.deaths(function, since) >= 1)


def suspended(bundle: Bundle, victim: Victim, held: int) -> None:
    """Brings a registration into suspension with `held` events in its line."""
    victim.endpoint.behaviour = answer(500)
    victim.partner.onboard()
    first = wait_for("the event is there", lambda: victim.events)[0]["id"]
    for tries in (1, 2, 3):
        wait_for("a try", lambda tries=tries: len(victim.partner.event(first)["attempts"]) >= tries)
        bundle.let_time_pass(victim.partner.id, first)
    wait_for("suspension", lambda: victim.partner.registration(victim.registration["id"])["status"] == "Suspended")
    for _ in range(held - 1):
        victim.partner.onboard()
    stages = lambda: [bundle.delivery(victim.partner.id, event["id"])["stage"] for event in victim.events]  # noqa: E731
    wait_for("all are held", lambda: stages() == ["held"] * held)
    victim.endpoint.behaviour = answer(200)


def all_arrive(bundle: Bundle, victim: Victim, count: int, seconds: float = 120) -> None:
    """Every event has been recorded as delivered, and what came are exactly those."""
    swept = [time.monotonic()]

    def done() -> bool:
        # The schedule sweeps once a minute; here it is helped along, so that the test need not wait for the minute.
        if time.monotonic() - swept[0] > 5:
            swept[0] = time.monotonic()
            bundle.sweep()
        return [event["status"] for event in victim.events] == ["Success"] * count

    wait_for(f"{count} events are delivered", done, seconds)
    assert set(victim.endpoint.ids()) == {event["id"] for event in victim.events}, "at least once, under its one id"
    assert victim.partner.registration(victim.registration["id"])["status"] == "Active"


BACKLOG = "with a backlog"


@pytest.fixture(scope="module")
def interrupted(bundle: Bundle, house) -> dict[str, Victim]:
    """One victim interrupted at each step; what then waits for a lease or a grace of a minute waits side by side."""
    victims = {}
    for step in ("release.chosen", "release.released", "dispatch.recorded", "registrations.restarted"):
        victims[f"{step} {BACKLOG}"] = house()
        suspended(bundle, victims[f"{step} {BACKLOG}"], held=3)
    for function, step in (("webhook-dispatch", "dispatch.posted"), ("webhook-dispatch", "dispatch.claimed"),
                           ("webhook-dispatch", "dispatch.recorded"), ("event-fanout", "fanout.put")):
        victims[step] = house()
        with dying(bundle, function, step):
            victims[step].partner.onboard()
    for step in ("release.chosen", "release.released", "dispatch.recorded"):
        with dying(bundle, "webhook-dispatch", step):
            victims[f"{step} {BACKLOG}"].restart().expect(200)
    with bundle.configured("webhook-registrations", GATEHOUSE_FAILPOINT="registrations.restarted"):
        broken(victims[f"registrations.restarted {BACKLOG}"].restart())
    return victims


@pytest.mark.parametrize("step", ["fanout.put", "dispatch.recorded", "dispatch.claimed", "dispatch.posted"])
def test_an_event_survives_the_end_of_its_worker(bundle: Bundle, interrupted: dict[str, Victim], step: str) -> None:
    victim = interrupted[step]
    all_arrive(bundle, victim, 1)
    times = len(victim.endpoint.deliveries)
    if step == "dispatch.posted":
        # Ended between the receiver's 200 and its record: this is where at least once is more than once.
        assert times >= 2
    else:
        assert times == 1, "nothing else may come twice"


@pytest.mark.parametrize("step", ["release.chosen", "release.released", "dispatch.recorded", "registrations.restarted"])
def test_a_backlog_survives_the_end_of_its_worker(bundle: Bundle, interrupted: dict[str, Victim], step: str) -> None:
    victim = interrupted[f"{step} {BACKLOG}"]
    all_arrive(bundle, victim, 3)
    later = victim.partner.onboard()
    victim.endpoint.wait_for_events(1, later["id"])


@pytest.mark.parametrize("status", [500, 200], ids=["after a failure", "after a success"])
def test_the_record_of_a_try_survives(bundle: Bundle, house, status: int) -> None:
    """Ended after the record and before what should follow it: the sweep follows it."""
    victim = house(answer(status))
    with dying(bundle, "webhook-dispatch", "dispatch.recorded"):
        victim.partner.onboard()
        event = wait_for("the event is there", lambda: victim.events)[0]["id"]
        wait_for("the try is recorded", lambda: len(victim.partner.event(event)["attempts"]) == 1)
    if status == 500:
        assert victim.partner.event(event)["status"] == "Pending"
        victim.endpoint.behaviour = answer(200)
        bundle.let_time_pass(victim.partner.id, event)
    all_arrive(bundle, victim, 1)
    assert len(victim.endpoint.deliveries) == (2 if status == 500 else 1)


def test_a_ping_survives_the_end_of_its_request(bundle: Bundle, house) -> None:
    victim, key = house(), "ping-once"
    path = f"{REGISTRATIONS}/{victim.registration['id']}/ping"
    with bundle.configured("webhook-registrations", GATEHOUSE_FAILPOINT="registrations.pinged"):
        broken(victim.partner.api.put(path, key=key))
    repeated = victim.partner.api.put(path, key=key)
    assert repeated.headers["original-request-id"]
    bundle.let_time_pass(victim.partner.id, repeated.expect(200)["id"])
    wait_for("the ping arrives", lambda: victim.endpoint.ids() == [repeated.json()["id"]])


def test_a_resend_survives_the_end_of_its_request(bundle: Bundle, house) -> None:
    victim, key = house(), "resend-once"
    victim.partner.onboard()
    event = victim.endpoint.wait_for_events(1)[0]["id"]
    wait_for("it is recorded", lambda: victim.partner.event(event)["status"] == "Success")
    with bundle.configured("webhook-events", GATEHOUSE_FAILPOINT="events.resent"):
        broken(victim.partner.api.post(f"{EVENTS}/{event}/resend", key=key))
    assert victim.partner.api.post(f"{EVENTS}/{event}/resend", key=key).headers["original-request-id"]
    bundle.let_time_pass(victim.partner.id, event)
    wait_for("it comes again", lambda: victim.endpoint.ids() == [event, event])


def test_an_event_survives_the_end_of_the_sweep(bundle: Bundle, house) -> None:
    """Ended after it put a delivery off and before it sent it: the next sweep after that sends it."""
    victim = house()
    victim.partner.onboard()
    event = victim.endpoint.wait_for_events(1)[0]["id"]
    wait_for("it is recorded", lambda: victim.partner.event(event)["status"] == "Success")
    with bundle.configured("webhook-events", GATEHOUSE_FAILPOINT="events.resent"):
        broken(victim.partner.api.post(f"{EVENTS}/{event}/resend"))
    # The schedule's own sweep would end over the delivery as well, and nobody would see that one fail.
    with bundle.unscheduled("webhook-sweep"), dying(bundle, "webhook-sweep", "sweep.put_off"):
        with pytest.raises(FunctionFailed):
            bundle.let_time_pass(victim.partner.id, event)
    assert victim.endpoint.ids() == [event]
    bundle.let_time_pass(victim.partner.id, event)
    wait_for("it comes again", lambda: victim.endpoint.ids() == [event, event])


def test_a_suspension_survives(bundle: Bundle, house) -> None:
    """Ended after the fourth failure was recorded: suspended all the same, and nothing is lost from the line."""
    victim = house(answer(500))
    victim.partner.onboard()
    event = wait_for("the event is there", lambda: victim.events)[0]["id"]
    for tries in (1, 2):
        wait_for("a try", lambda tries=tries: len(victim.partner.event(event)["attempts"]) >= tries)
        bundle.let_time_pass(victim.partner.id, event)
    wait_for("the third try", lambda: len(victim.partner.event(event)["attempts"]) == 3)
    with dying(bundle, "webhook-dispatch", "dispatch.recorded"):
        bundle.let_time_pass(victim.partner.id, event)
    wait_for("suspension", lambda: victim.partner.registration(victim.registration["id"])["status"] == "Suspended")
    victim.endpoint.behaviour = answer(200)
    victim.restart().expect(200)
    all_arrive(bundle, victim, 1)


def test_the_clearing_of_a_deleted_registration_survives(bundle: Bundle, house) -> None:
    """Ended after the deletion, in the sweep that notices, and in the clearing itself: the line is empty in the end."""
    victim = house()
    suspended(bundle, victim, held=3)
    path = f"{REGISTRATIONS}/{victim.registration['id']}"
    events = [event["id"] for event in victim.events]
    stages = lambda: [bundle.delivery(victim.partner.id, event)["stage"] for event in events]  # noqa: E731
    with bundle.configured("webhook-registrations", GATEHOUSE_FAILPOINT="registrations.deleted"):
        broken(victim.partner.api.delete(path))
    victim.partner.api.get(path).error(404)
    assert stages() == ["held"] * 3
    with dying(bundle, "webhook-sweep", "sweep.registration_put_off"):
        with pytest.raises(FunctionFailed):
            bundle.invoke("webhook-sweep", {"aheadSeconds": 120})
    with dying(bundle, "webhook-dispatch", "release.dropped"):
        bundle.invoke("webhook-sweep", {"aheadSeconds": 120})
    wait_for("the line is cleared", lambda: stages() == ["settled"] * 3)
    assert [event["status"] for event in victim.events] == ["Failed"] * 3
    victim.partner.register(ONBOARDED, victim.endpoint.url)


def test_a_failed_ping_survives(bundle: Bundle, house) -> None:
    """Its one try is recorded, and there is not a second one."""
    victim = house(answer(500))
    with dying(bundle, "webhook-dispatch", "dispatch.recorded"):
        ping = victim.partner.api.put(f"{REGISTRATIONS}/{victim.registration['id']}/ping").expect(200)["id"]
        wait_for("the failure is recorded", lambda: victim.partner.event(ping)["status"] == "Failed")
    bundle.sweep()
    stays("the number of tries", lambda: len(victim.endpoint.deliveries), 1, 4.0)


def test_every_fail_point_of_the_product_is_tested() -> None:
    """A step that a worker gains without a test of its own fails here."""
    root = Path(__file__).resolve().parent.parent.parent
    sources = [file for folder in ("functions", "shared") for file in (root / folder).rglob("*.rs")]
    points = {point for file in sources for point in re.findall(r'failpoint\("([^"]+)"\)', file.read_text())}
    assert len(points) > 10
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    assert {point for point in points if f'"{point}"' not in tests} == set()


def broken(found: Answer) -> None:
    """The client of a process that ended gets an error of the service and may repeat."""
    assert found.status >= 500, f"{found.request} answered {found.status}: the fail point did not end it"
