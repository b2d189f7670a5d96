"""Compliance scans: what hits, how a status moves, who may decide, and that repeated or late messages change nothing."""

import json

import pytest
from support import samples
from support.bundle import CUSTOMERS, Bundle, Partner
from support.receiver import Receiver
from support.waiting import stays, wait_for

FELIX = {"first": "Francisco Javier", "last": "Arellano Félix", "birth_date": "1969-12-11"}


def hits(bundle: Bundle, partner: Partner, customer: str, scan: str) -> list[dict]:
    return [hit for item in bundle.evidence(partner.id, customer) for hit in item.get(scan, [])]


def statuses(customer: dict) -> tuple[str, str]:
    return customer["ofac"], customer["pepScan"]


def test_the_three_triggers_hit_and_their_evidence_is_kept(bundle: Bundle, partner: Partner) -> None:
    made = {
        "ofac person": partner.onboard(samples.named(partner.id, FELIX["first"], FELIX["last"], FELIX["birth_date"])),
        "ofac entity": partner.onboard(samples.company(partner.id, {"name": {"entityName": "Blue Star Diamond"}})),
        "pep": partner.onboard(samples.named(partner.id, "Vladimir", "Putin")),
    }
    seen = {name: partner.screened(customer["id"]) for name, customer in made.items()}
    assert seen["ofac person"]["ofac"] == "Failed"
    assert seen["ofac entity"]["ofac"] == "Failed"
    assert seen["pep"]["pepScan"] == "Failed"
    assert statuses(seen["ofac entity"])[1] == "Clear"
    for name, scan, word in (("ofac person", "ofac", "arellano"), ("ofac entity", "ofac", "blue star"), ("pep", "pepScan", "putin")):
        found = hits(bundle, partner, made[name]["id"], scan)
        assert found, name
        best = max(found, key=lambda hit: hit["score"])
        assert word in f"{best['name']} {best['matchedName']}".lower()
        assert best["listId"] and best["uid"] and best["contentHash"]
        [evidence] = bundle.evidence(partner.id, made[name]["id"])
        assert evidence["lists"], "with which lists it was screened"
        assert evidence["configVersion"]


@pytest.mark.parametrize(("first", "last", "birth_date", "hit"), [
    ("FRANCISCO JAVIER", "ARELLANO FELIX", "1969-12-11", True),
    ("Francisco", "Arellano Felix", "1969-12-11", True),
    ("Francisco Javier", "Arellano Félix", "1990-05-05", False),
], ids=["case and accents do not matter", "nor a missing middle part", "another birth date does"])
def test_the_sanctioned_person(partner: Partner, first: str, last: str, birth_date: str, hit: bool) -> None:
    made = partner.onboard(samples.named(partner.id, first, last, birth_date))
    assert partner.screened(made["id"])["ofac"] == ("Failed" if hit else "Clear")


def test_an_ordinary_customer_is_clear_and_that_is_evidence_too(bundle: Bundle, partner: Partner) -> None:
    made = partner.onboard()
    assert statuses(made) == ("Pending", "Pending")
    assert statuses(partner.screened(made["id"])) == ("Clear", "Clear")
    [evidence] = bundle.evidence(partner.id, made["id"])
    assert (evidence["ofac"], evidence["pepScan"]) == ([], [])
    assert evidence["lists"]


# ---- a person decides


@pytest.fixture
def suspect(partner: Partner) -> dict:
    made = partner.onboard(samples.named(partner.id, FELIX["first"], FELIX["last"], FELIX["birth_date"]))
    return partner.screened(made["id"])


def decide(partner: Partner, customer: dict, decision: str, reason: str | None = "checked by hand", scan: str = "ofac"):
    body = {"decision": decision} | ({"reason": reason} if reason else {})
    return partner.api.post(f"{CUSTOMERS}/{customer['id']}/{scan}-decision", body)


def test_failed_reviewing_clear(bundle: Bundle, partner: Partner, suspect: dict, receiver: Receiver) -> None:
    endpoint = receiver.endpoint()
    registration = partner.register("Core.Customer.Ofac.Changed", endpoint.url)
    assert decide(partner, suspect, "Reviewing", None).expect(200)["ofac"] == "Reviewing"
    assert decide(partner, suspect, "Reviewing", None).error() == 2005
    cleared = decide(partner, suspect, "Clear").expect(200)
    assert statuses(cleared) == ("Clear", "Clear")
    for again in ("Reviewing", "Clear", "Positive"):
        assert decide(partner, suspect, again).error() == 2005
    endpoint.wait_for_events(2, suspect["id"], "Core.Customer.Ofac.Changed")
    # A hit that a person has cleared does not come back when the same facts are screened again.
    bundle.send("ScanQueueUrl", {"partner": partner.id, "customer": suspect["id"], "run": samples.unknown_id()})
    wait_for("the second screening", lambda: len(screenings(bundle, partner, suspect["id"])) == 2)
    assert statuses(partner.customer(suspect["id"])) == ("Clear", "Clear")
    decisions = [item for item in bundle.evidence(partner.id, suspect["id"]) if item.get("kind") == "decision"]
    assert [item["decision"] for item in decisions] == ["Reviewing", "Clear"]
    assert decisions[1]["reason"] == "checked by hand"
    assert decisions[1]["client"] == partner.client_id
    [judged] = decisions[1]["hits"]
    assert judged["listId"] and judged["uid"] and len(judged["content"]) == len(judged["subject"]) == 16
    assert bundle.check_audit(partner.id, suspect["id"])["intact"]
    partner.api.delete(f"/webhooks/v1/registrations/{registration['id']}").expect(200)


def screenings(bundle: Bundle, partner: Partner, customer: str) -> list[dict]:
    return [item for item in bundle.evidence(partner.id, customer) if "lists" in item]


def test_positive_is_final_and_a_new_name_does_not_wash_it_off(bundle: Bundle, partner: Partner, suspect: dict) -> None:
    assert decide(partner, suspect, "Positive").expect(200)["ofac"] == "Positive"
    for again in ("Reviewing", "Clear", "Positive"):
        assert decide(partner, suspect, again).error() == 2005
    partner.api.put(f"{CUSTOMERS}/{suspect['id']}/name", {"firstName": samples.word(), "lastName": samples.word()}).expect(200)
    wait_for("the second screening", lambda: len(screenings(bundle, partner, suspect["id"])) == 2)
    assert partner.customer(suspect["id"])["ofac"] == "Positive"


def test_a_decision_is_about_the_hits_that_were_seen(partner: Partner, suspect: dict) -> None:
    path = f"{CUSTOMERS}/{suspect['id']}/ofac-decision"
    seen = decide(partner, suspect, "Reviewing", None).expect(200)["hits"]
    assert seen and set(seen[0]) == {"listId", "uid", "content", "subject"}
    other = [{**seen[0], "content": "0" * 16}]
    for hits in (other, [], [*seen, {**seen[0], "uid": "1"}]):
        assert partner.api.post(path, {"decision": "Clear", "reason": "x", "hits": hits}).error() == 2005
    assert partner.customer(suspect["id"])["ofac"] == "Reviewing"
    assert partner.api.post(path, {"decision": "Clear", "reason": "x", "hits": seen}).expect(200)["ofac"] == "Clear"


def test_decisions_need_a_hit_a_known_word_and_a_reason(partner: Partner, suspect: dict) -> None:
    innocent = partner.onboard()
    for customer in (innocent, partner.screened(innocent["id"])):
        assert decide(partner, customer, "Clear").error() == 2005
    assert decide(partner, suspect, "Clear", scan="pep-scan").error() == 2005
    assert decide(partner, suspect, "Clear", None).error() == 1000
    assert decide(partner, suspect, "Positive", None).error() == 1000
    assert decide(partner, suspect, "Failed").error() == 1005
    assert decide(partner, suspect, "Clear", "x" * 501).error() == 1002
    assert partner.api.post(f"{CUSTOMERS}/{suspect['id']}/ofac-decision", {}).error() == 1000
    assert partner.customer(suspect["id"])["ofac"] == "Failed", "none of these changed it"


def test_the_pep_scan_is_decided_on_its_own(partner: Partner) -> None:
    made = partner.screened(partner.onboard(samples.named(partner.id, "Vladimir", "Putin"))["id"])
    ofac = made["ofac"]
    assert decide(partner, made, "Clear", scan="pep-scan").expect(200)["pepScan"] == "Clear"
    assert partner.customer(made["id"])["ofac"] == ofac


# ---- when facts change


def test_a_new_name_or_birth_date_is_screened_again(bundle: Bundle, partner: Partner) -> None:
    made = partner.onboard(samples.named(partner.id, FELIX["first"], samples.word(), FELIX["birth_date"]))
    assert partner.screened(made["id"])["ofac"] == "Clear"
    path = f"{CUSTOMERS}/{made['id']}"
    changed = partner.api.put(f"{path}/name", {"firstName": FELIX["first"], "lastName": FELIX["last"]}).expect(200)
    assert statuses(changed) == ("Pending", "Pending")
    assert partner.screened(made["id"])["ofac"] == "Failed"
    partner.api.put(f"{path}/profile", {"birthDate": "1990-05-05"}).expect(200)
    wait_for("the third screening", lambda: len(screenings(bundle, partner, made["id"])) == 3)
    # The machine finds nothing more, and yet a case that is open is for a person to close, not for another birth date.
    assert partner.customer(made["id"])["ofac"] == "Failed"
    assert decide(partner, made, "Clear").expect(200)["ofac"] == "Clear"
    partner.api.put(f"{path}/profile", {"birthDate": "1990-05-05", "riskRating": "High"}).expect(200)
    stays("the number of screenings", lambda: len(screenings(bundle, partner, made["id"])), 3, 1.0)


def test_a_new_address_is_screened_again_without_a_status_in_between(bundle: Bundle, partner: Partner) -> None:
    made = partner.onboard()
    partner.screened(made["id"])
    path = f"{CUSTOMERS}/{made['id']}/addresses"
    added = partner.api.post(path, samples.address()).expect(200)
    wait_for("the second screening", lambda: len(screenings(bundle, partner, made["id"])) == 2)
    partner.api.put(f"{path}/{added['id']}", samples.address({"countryCode": "IE", "state": ..., "postalCode": ...})).expect(200)
    wait_for("the third screening", lambda: len(screenings(bundle, partner, made["id"])) == 3)
    assert statuses(partner.customer(made["id"])) == ("Clear", "Clear")
    partner.api.post(f"{CUSTOMERS}/{made['id']}/identifications", samples.identification()).expect(200)
    stays("the number of screenings", lambda: len(screenings(bundle, partner, made["id"])), 3, 1.0)
    # A primary phone is part of the identity: it is reviewed again, and a review screens.
    partner.api.post(f"{CUSTOMERS}/{made['id']}/phones", samples.phone()).expect(200)
    wait_for("the fourth screening", lambda: len(screenings(bundle, partner, made["id"])) == 4)


# ---- messages that come twice, late, or for nobody


def test_repeated_scan_messages_and_records_change_nothing(bundle: Bundle, partner: Partner) -> None:
    made = partner.onboard()
    before = partner.screened(made["id"])
    [evidence] = screenings(bundle, partner, made["id"])
    chain = len(bundle.audit(partner.id, made["id"]))
    events = len(bundle.items(partner.id, made["id"], "EVENT#"))
    message = {"partner": partner.id, "customer": made["id"], "run": evidence["run"]}
    for _ in range(3):
        bundle.send("ScanQueueUrl", message)
    bundle.invoke("scan-request", {"Records": bundle.stream_records(partner.id, made["id"])})
    # A message of its own behind them: when it is done, so are they.
    other = partner.onboard()
    partner.screened(other["id"])
    stays("the evidence", lambda: [item["run"] for item in screenings(bundle, partner, made["id"])], [evidence["run"]], 1.0)
    assert partner.customer(made["id"]) == before
    assert len(bundle.audit(partner.id, made["id"])) == chain
    assert len(bundle.items(partner.id, made["id"], "EVENT#")) == events


def test_messages_out_of_order_end_with_the_latest_facts(bundle: Bundle, partner: Partner) -> None:
    """The worker is held back while the facts change twice; whichever message comes first, the last name counts."""
    with bundle.paused("scan-worker"):
        made = partner.onboard(samples.named(partner.id, FELIX["first"], FELIX["last"], FELIX["birth_date"]))
        partner.api.put(f"{CUSTOMERS}/{made['id']}/name", {"firstName": samples.word(), "lastName": samples.word()}).expect(200)
        wait_for("both requests wait", lambda: bundle.waiting_in("ScanQueueUrl") >= 2)
        assert statuses(partner.customer(made["id"])) == ("Pending", "Pending")
    assert statuses(partner.screened(made["id"])) == ("Clear", "Clear")
    wait_for("both are done", lambda: bundle.waiting_in("ScanQueueUrl") == 0)
    assert statuses(partner.customer(made["id"])) == ("Clear", "Clear")
    changed = [item for item in bundle.items(partner.id, made["id"], "EVENT#") if "ScanChanged" in repr(item)]
    assert len(changed) == 2, "one event for each scan, however many messages there were"


def test_a_message_for_nobody_is_done(bundle: Bundle, partner: Partner) -> None:
    message = {"partner": partner.id, "customer": samples.unknown_id(), "run": samples.unknown_id()}
    record = {"messageId": "m-1", "body": json.dumps(message), "attributes": {"ApproximateReceiveCount": "1"}}
    assert bundle.invoke("scan-worker", {"Records": [record]}) == {"batchItemFailures": []}
    nonsense = {**record, "messageId": "m-2", "body": "{"}
    assert bundle.invoke("scan-worker", {"Records": [record, nonsense]}) == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}


def test_a_deactivated_customer_is_still_screened(partner: Partner, bundle: Bundle) -> None:
    with bundle.paused("scan-worker"):
        made = partner.onboard(samples.named(partner.id, "Vladimir", "Putin"))
        partner.api.delete(f"{CUSTOMERS}/{made['id']}").expect(200)
    assert partner.screened(made["id"])["pepScan"] == "Failed"
