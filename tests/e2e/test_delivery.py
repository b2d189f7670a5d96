"""Delivery, retries, suspension and restart by the contract's rules (cos.md §6.4), and that nothing comes twice or not at all.

The pauses between tries are checked where they are stored and then skipped: the stored time is set to now, and the sweep
does what it does every minute. That the pauses pass by themselves is shown once, in test_retries_in_time.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import samples
from support.bundle import EVENTS, REGISTRATIONS, Bundle, Partner
from support.receiver import Endpoint, Receiver, answer, in_turn
from support.waiting import stays, wait_for, wait_until_equal

ONBOARDED = "Core.Customer.Onboarded"


@pytest.fixture
def fresh(bundle: Bundle) -> Partner:
    """A partner of this one test: registrations are suspended here."""
    return bundle.new_partner()


def status_of(partner: Partner, registration: dict) -> str:
    return partner.registration(registration["id"])["status"]


def attempts(partner: Partner, event_id: str) -> int:
    return len(partner.event(event_id)["attempts"])


def only_event(partner: Partner, registration: dict) -> dict:
    found = wait_for("the event is there", lambda: partner.events_of(registration["id"]))
    assert len(found) == 1
    return found[0]


def fail_until_suspended(bundle: Bundle, partner: Partner, registration: dict, endpoint: Endpoint) -> str:
    """Onboards one customer whose event fails four times."""
    partner.onboard()
    event = only_event(partner, registration)["id"]
    for tries in (1, 2, 3):
        wait_for(f"try {tries} is recorded", lambda tries=tries: attempts(partner, event) == tries)
        stored = bundle.delivery(partner.id, event)
        pause = int(stored["notBefore"]) / 1000 - time.time()
        assert 25 < pause <= 60, f"the next try is {pause:.0f} s away, the contract says 30–60 s"
        assert status_of(partner, registration) == "Active"
        assert partner.event(event)["status"] == "Pending"
        bundle.let_time_pass(partner.id, event)
    wait_for("the fourth try is recorded", lambda: attempts(partner, event) == 4)
    assert status_of(partner, registration) == "Suspended"
    assert partner.event(event)["status"] == "Failed"
    assert endpoint.ids() == [event] * 4, "the same event with the same id each time"
    return event


def test_four_tries_then_suspended_then_held_then_restarted(bundle: Bundle, fresh: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint(answer(503))
    registration = fresh.register(ONBOARDED, endpoint.url)
    first = fail_until_suspended(bundle, fresh, registration, endpoint)
    # A retry says when it was last tried; otherwise it is the same body.
    bodies = [delivery.event for delivery in endpoint.deliveries]
    assert "lastAttemptedAt" not in bodies[0]
    assert all("lastAttemptedAt" in body for body in bodies[1:])
    assert len({(body["id"], tuple(body["resources"]), body["createdAt"], body["status"]) for body in bodies}) == 1
    # While suspended, new events are queued and not tried.
    held = [fresh.onboard()["id"] for _ in range(3)]
    wait_for("all are known", lambda: len(fresh.events_of(registration["id"])) == 4)
    stays("the number of deliveries", lambda: len(endpoint.deliveries), 4, 2.0)
    assert fresh.api.post(f"{EVENTS}/{first}/resend").error() == 2005
    # After a restart one held event is tried at most twice; failing, it is suspended again.
    assert fresh.api.put(f"{REGISTRATIONS}/{registration['id']}/restart").expect(200)["status"] == "Active"
    wait_for("the first try after the restart", lambda: len(endpoint.deliveries) == 5)
    wait_for("it is recorded", lambda: "leaseUntil" not in bundle.delivery(fresh.id, first))
    bundle.let_time_pass(fresh.id, first)
    wait_until_equal("the status after two failed tries", lambda: status_of(fresh, registration), "Suspended")
    assert endpoint.ids() == [first] * 6, "only the oldest event is tried"
    # After a restart with a healed receiver the backlog follows, each event once.
    endpoint.behaviour = answer(200)
    fresh.api.put(f"{REGISTRATIONS}/{registration['id']}/restart").expect(200)
    for customer in held:
        endpoint.wait_for_events(1, customer)
    ids = [event["id"] for event in fresh.events_of(registration["id"])]
    wait_for("all are recorded", lambda: {event["status"] for event in fresh.events_of(registration["id"])} == {"Success"})
    assert sorted(endpoint.ids()[6:]) == sorted(ids)
    assert endpoint.ids()[6] == first
    # And it is in ordinary service again.
    later = fresh.onboard()
    endpoint.wait_for_events(1, later["id"])
    assert status_of(fresh, registration) == "Active"


def test_a_receiver_that_recovers_in_time_is_not_suspended(bundle: Bundle, fresh: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint(in_turn(answer(500), answer(500), answer(500), answer(200)))
    registration = fresh.register(ONBOARDED, endpoint.url)
    fresh.onboard()
    event = only_event(fresh, registration)["id"]
    for tries in (1, 2, 3):
        wait_for(f"try {tries} is recorded", lambda tries=tries: attempts(fresh, event) == tries)
        bundle.let_time_pass(fresh.id, event)
    wait_for("it is delivered", lambda: fresh.event(event)["status"] == "Success")
    assert [attempt["statusCode"] for attempt in fresh.event(event)["attempts"]] == [500, 500, 500, 200]
    assert status_of(fresh, registration) == "Active"


def test_one_failing_event_does_not_hold_up_the_next(fresh: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint(in_turn(answer(500), answer(200)))
    registration = fresh.register(ONBOARDED, endpoint.url)
    fresh.onboard()
    failing = only_event(fresh, registration)["id"]
    wait_for("it failed once", lambda: attempts(fresh, failing) == 1)
    following = fresh.onboard()
    endpoint.wait_for_events(1, following["id"])
    assert fresh.event(failing)["status"] == "Pending"


def test_restarting_what_is_active_changes_nothing(fresh: Partner, receiver: Receiver) -> None:
    registration = fresh.register(ONBOARDED, receiver.endpoint().url)
    assert fresh.api.put(f"{REGISTRATIONS}/{registration['id']}/restart").expect(200) == registration


def test_a_suspended_registration_can_be_mended_pinged_and_restarted(bundle: Bundle, fresh: Partner, receiver: Receiver) -> None:
    bad, good = receiver.endpoint(answer(500)), receiver.endpoint()
    registration = fresh.register(ONBOARDED, bad.url)
    event = fail_until_suspended(bundle, fresh, registration, bad)
    path = f"{REGISTRATIONS}/{registration['id']}"
    fresh.api.put(path, samples.registration(fresh.id, ONBOARDED, good.url)).expect(200)
    assert status_of(fresh, registration) == "Suspended", "mending is not restarting"
    ping = fresh.api.put(f"{path}/ping").expect(200)
    wait_for("the ping arrives", lambda: good.ids() == [ping["id"]])
    assert status_of(fresh, registration) == "Suspended", "a ping decides nothing"
    fresh.api.put(f"{path}/restart").expect(200)
    wait_for("the held event arrives at the new place", lambda: event in good.ids())
    wait_until_equal("the status", lambda: status_of(fresh, registration), "Active")
    assert bad.ids() == [event] * 4


def test_deleting_ends_everything_that_waits(bundle: Bundle, fresh: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint(answer(500))
    registration = fresh.register(ONBOARDED, endpoint.url)
    fresh.onboard()
    event = only_event(fresh, registration)["id"]
    wait_for("it failed once", lambda: attempts(fresh, event) == 1)
    fresh.api.delete(f"{REGISTRATIONS}/{registration['id']}").expect(200)
    bundle.let_time_pass(fresh.id, event)
    wait_for("it is given up", lambda: fresh.event(event)["status"] == "Failed")
    stays("the number of deliveries", lambda: len(endpoint.deliveries), 1, 1.0)


# ---- at least once, and not more than needed


def test_repeated_stream_records_deliver_nothing_twice(bundle: Bundle, fresh: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint()
    registrations = [fresh.register(name, endpoint.url) for name in (ONBOARDED, "Core.Customer.Ofac.Changed", "Core.Customer.PepScan.Changed")]
    poll = fresh.register("Core.Customer.Phone.Added", None)
    made = fresh.onboard()
    fresh.screened(made["id"])
    fresh.api.post(f"/core/v1/cm/customers/{made['id']}/phones", samples.phone()).expect(200)
    endpoint.wait_for_events(3, made["id"])
    wait_for("the polled event waits", lambda: fresh.events_of(poll["id"]))
    for registration in registrations:
        wait_for("all are recorded", lambda r=registration: {e["status"] for e in fresh.events_of(r["id"])} == {"Success"})
    records = bundle.stream_records(fresh.id, made["id"])
    kinds = [record["dynamodb"]["NewImage"]["kind"]["M"]["event"]["S"] for record in records]
    told = [kind for kind in kinds if kind in ("Onboarded", "ScanChanged", "ContactAdded")]
    assert len(told) == 4, f"onboarded, two scans, one phone: {kinds}"
    events = {r["id"]: [e["id"] for e in fresh.events_of(r["id"])] for r in [*registrations, poll]}
    for batch in (records, list(reversed(records)), [records[0]] * 5):
        bundle.invoke("event-fanout", {"Records": batch})
    stays("the ids that came", lambda: sorted(endpoint.ids()), sorted(sum((events[r["id"]] for r in registrations), [])), 1.5)
    assert {r["id"]: [e["id"] for e in fresh.events_of(r["id"])] for r in [*registrations, poll]} == events


def test_records_of_other_items_and_damaged_ones(bundle: Bundle, fresh: Partner) -> None:
    made = fresh.onboard()
    [record] = [r for r in bundle.stream_records(fresh.id, made["id"]) if "Onboarded" in str(r)]
    other = {**record, "dynamodb": {**record["dynamodb"], "Keys": {}, "NewImage": {"pk": {"S": "x"}, "sk": {"S": "CUSTOMER"}}}}
    bundle.invoke("event-fanout", {"Records": [other, {**record, "eventName": "MODIFY"}, {**record, "eventName": "REMOVE"}]})
    damaged = {**record, "dynamodb": {**record["dynamodb"], "NewImage": {"pk": {"S": "x"}, "sk": {"S": "EVENT#1"}}}}
    for function in ("event-fanout", "scan-request"):
        with pytest.raises(AssertionError, match="stream record"):
            bundle.invoke(function, {"Records": [damaged]})


def test_repeated_queue_messages_deliver_nothing_twice(bundle: Bundle, fresh: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint()
    registration = fresh.register(ONBOARDED, endpoint.url)
    fresh.onboard()
    event = only_event(fresh, registration)["id"]
    wait_for("it is recorded", lambda: fresh.event(event)["status"] == "Success")
    deliver = {"kind": "deliver", "partner": fresh.id, "registration": registration["id"], "event": event}
    release = {"kind": "release", "partner": fresh.id, "registration": registration["id"]}
    nowhere = {**deliver, "event": samples.unknown_id()}
    for message in (deliver, deliver, release, nowhere, deliver):
        bundle.send("DeliveryQueueUrl", message)
    stays("the ids that came", endpoint.ids, [event], 1.5)
    assert attempts(fresh, event) == 1


def test_the_same_message_many_times_at_once_is_one_delivery(bundle: Bundle, fresh: Partner, receiver: Receiver) -> None:
    """While the first one is being tried, the others find it taken."""
    endpoint = receiver.endpoint(in_turn(answer(500), answer(200)))
    registration = fresh.register(ONBOARDED, endpoint.url)
    fresh.onboard()
    event = only_event(fresh, registration)["id"]
    wait_for("it failed once", lambda: attempts(fresh, event) == 1)
    deliver = {"kind": "deliver", "partner": fresh.id, "registration": registration["id"], "event": event}
    # Too early: the pause has not passed, so nothing happens.
    for _ in range(3):
        bundle.send("DeliveryQueueUrl", deliver)
    stays("the number of deliveries", lambda: len(endpoint.deliveries), 1, 1.0)
    bundle.webhook_table.update_item(Key=bundle.delivery_key(fresh.id, event), UpdateExpression="SET notBefore = :past",
                                     ExpressionAttributeValues={":past": 0})
    record = {"messageId": "m", "body": json.dumps(deliver), "attributes": {"ApproximateReceiveCount": "1"}}
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda n: bundle.invoke("webhook-dispatch", {"Records": [{**record, "messageId": f"m{n}{k}"} for k in range(5)]}), range(4)))
    wait_for("it is delivered", lambda: fresh.event(event)["status"] == "Success")
    assert endpoint.ids() == [event] * 2
    assert attempts(fresh, event) == 2


def test_a_burst_is_delivered_completely(fresh: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint()
    registration = fresh.register(ONBOARDED, endpoint.url)
    with ThreadPoolExecutor(max_workers=6) as pool:
        made = {customer["id"] for customer in pool.map(lambda _: fresh.onboard(), range(24))}
    endpoint.wait_for_events(len(made))
    wait_for("all are recorded", lambda: {e["status"] for e in fresh.events_of(registration["id"])} == {"Success"})
    told = [event["resources"][0].rsplit("/", 1)[1] for event in endpoint.events()]
    assert sorted(told) == sorted(made), "each customer once"


def test_a_partial_batch_gives_back_only_what_failed(bundle: Bundle, fresh: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint()
    registration = fresh.register(ONBOARDED, endpoint.url)
    fresh.onboard()
    event = only_event(fresh, registration)["id"]
    wait_for("it is recorded", lambda: fresh.event(event)["status"] == "Success")
    good = {"kind": "deliver", "partner": fresh.id, "registration": registration["id"], "event": event}
    bodies = {"good": json.dumps(good), "nonsense": "{", "other kind": '{"kind":"explode"}'}
    batch = [{"messageId": name, "body": body, "attributes": {"ApproximateReceiveCount": "1"}} for name, body in bodies.items()]
    answered = bundle.invoke("webhook-dispatch", {"Records": batch})
    assert sorted(failure["itemIdentifier"] for failure in answered["batchItemFailures"]) == ["nonsense", "other kind"]
