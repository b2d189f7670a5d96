"""The audit chain: who did what when from where, to which fields, never with which values; and that it cannot be altered."""

import time
from datetime import datetime

import pytest
from support import samples
from support.bundle import CUSTOMERS, Bundle, Partner


def entries(bundle: Bundle, partner: Partner, customer: str) -> list[dict]:
    return bundle.audit(partner.id, customer)


def actions(bundle: Bundle, partner: Partner, customer: str) -> list[str]:
    return [entry["action"] for entry in entries(bundle, partner, customer)]


def test_each_change_leaves_an_entry(bundle: Bundle, partner: Partner) -> None:
    body = samples.person(partner.id)
    first = partner.api.post(CUSTOMERS, body)
    made = first.expect(200)
    partner.screened(made["id"])
    path = f"{CUSTOMERS}/{made['id']}"
    phone = partner.api.post(f"{path}/phones", samples.phone()).expect(200)
    partner.api.put(f"{path}/phones/{phone['id']}", samples.phone()).expect(200)
    partner.api.delete(f"{path}/phones/{phone['id']}").expect(200)
    partner.api.put(f"{path}/profile", {**body["profile"], "riskRating": "High"}).expect(200)
    partner.api.put(f"{path}/due-diligence", samples.due_diligence()).expect(200)
    answer = partner.api.delete(path)
    answer.expect(200)
    everything = entries(bundle, partner, made["id"])
    # A review follows what changes the identity, such as the primary phone, whenever the worker comes to it.
    reviews = [entry for entry in everything if entry["action"] == "Review"]
    found = [entry for entry in everything if entry["action"] != "Review"]
    assert [entry["action"] for entry in found] == [
        "Onboard", "AddContact", "ChangeContact", "RemoveContact", "ChangeProfile", "ChangeDueDiligence", "Deactivate",
    ]
    assert everything[1] == reviews[0]
    onboard, last = found[0], found[-1]
    assert onboard["fields"][:3] == ["name", "classification", "profile"]
    of_phone = f"phones/{phone['id']}"
    assert [entry["fields"] for entry in found[1:4]] == [[of_phone], [f"{of_phone}.phoneNumber"], [of_phone]]
    assert onboard["requestId"] == first.headers["request-id"]
    assert last["requestId"] == answer.headers["request-id"]
    assert onboard["client"] == partner.client_id
    assert onboard["sourceIp"] == "127.0.0.1"
    assert abs(time.time() - _seconds(last["at"])) < 120
    assert "riskRating" in found[4]["fields"]
    assert {entry["client"] for entry in reviews} == {"scan-worker"}
    text = repr(everything)
    for value in (body["name"]["firstName"], body["profile"]["taxId"], body["profile"]["birthDate"], "High"):
        assert value not in text, "fields are named, values are not"
    checked = bundle.check_audit(partner.id, made["id"])
    assert checked["found"] and checked["intact"] and checked["entries"] >= len(everything)


def test_each_reading_in_clear_leaves_an_entry_and_others_none(bundle: Bundle, partner: Partner) -> None:
    body = samples.person(partner.id, {"primaryIdentification": samples.identification()})
    made = partner.onboard(body)
    partner.screened(made["id"])
    path = f"{CUSTOMERS}/{made['id']}"
    before = len(entries(bundle, partner, made["id"]))
    modified = partner.customer(made["id"])["lastModifiedAt"]
    document = partner.api.get(f"{path}/identifications").expect(200)["results"][0]
    partner.api.get(f"{path}/identifications/{document['id']}").expect(200)
    partner.api.get(CUSTOMERS, {"id": made["id"]}).expect(200)
    assert len(entries(bundle, partner, made["id"])) == before
    seen = partner.unmasked.get(path)
    seen.expect(200)
    partner.unmasked.get(f"{path}/identifications").expect(200)
    partner.unmasked.get(f"{path}/identifications/{document['id']}").expect(200)
    fresh = entries(bundle, partner, made["id"])[before:]
    assert [entry["action"] for entry in fresh] == ["ReadUnmasked"] * 3
    assert set(fresh[0]["fields"]) == {"taxId", f"identifications/{document['id']}.idNumber"}
    assert fresh[0]["requestId"] == seen.headers["request-id"]
    assert fresh[1]["fields"] == fresh[2]["fields"] == [f"identifications/{document['id']}.idNumber"]
    assert partner.customer(made["id"])["lastModifiedAt"] == modified, "reading is no modification"
    assert bundle.check_audit(partner.id, made["id"])["intact"]


def test_a_request_that_changes_nothing_leaves_nothing(bundle: Bundle, partner: Partner) -> None:
    body = samples.person(partner.id)
    made = partner.onboard(body)
    partner.screened(made["id"])

    def written() -> int:
        """What the caller's requests left; the review that follows a primary phone writes to the chain as well."""
        return len([entry for entry in entries(bundle, partner, made["id"]) if entry["client"] != "scan-worker"])

    before = written()
    partner.api.put(f"{CUSTOMERS}/{made['id']}/name", body["name"]).expect(200)
    partner.api.put(f"{CUSTOMERS}/{made['id']}/profile", {"taxId": "wrong"})
    phone = samples.phone()
    added = partner.api.post(f"{CUSTOMERS}/{made['id']}/phones", phone).expect(200)["id"]
    before += 1
    partner.api.put(f"{CUSTOMERS}/{made['id']}/phones/{added}", phone).expect(200)
    assert written() == before


@pytest.mark.parametrize("tampering", ["changed", "removed", "removed last", "moved"])
def test_a_chain_that_was_tampered_with_is_found_out(bundle: Bundle, partner: Partner, tampering: str) -> None:
    made = partner.onboard()
    partner.screened(made["id"])
    for _ in range(3):
        # Nothing that is reviewed: the chain must stand still while it is tampered with.
        partner.api.post(f"{CUSTOMERS}/{made['id']}/identifications", samples.identification()).expect(200)
    found = entries(bundle, partner, made["id"])
    assert bundle.check_audit(partner.id, made["id"])["intact"]
    keys = [{"pk": entry["pk"], "sk": entry["sk"]} for entry in found]
    table = bundle.customer_table
    if tampering == "changed":
        table.update_item(Key=keys[2], UpdateExpression="SET #c = :other", ExpressionAttributeNames={"#c": "client"},
                          ExpressionAttributeValues={":other": "somebody-else"})
    elif tampering == "removed":
        table.delete_item(Key=keys[2])
    elif tampering == "removed last":
        table.delete_item(Key=keys[-1])
    else:
        table.put_item(Item={**found[2], **keys[3]})
        table.put_item(Item={**found[3], **keys[2]})
    verdict = bundle.check_audit(partner.id, made["id"])
    assert verdict["found"] and not verdict["intact"], verdict
    assert verdict["problem"]


@pytest.mark.parametrize("tampering", ["decision", "reason", "gone"])
def test_a_disposition_that_was_tampered_with_is_found_out(bundle: Bundle, partner: Partner, tampering: str) -> None:
    """The chain holds the digest of what a reviewer decided, and why."""
    made = partner.onboard(samples.named(partner.id, "Vladimir", "Putin"))
    partner.screened(made["id"])
    partner.api.post(f"{CUSTOMERS}/{made['id']}/pep-scan-decision", {"decision": "Clear", "reason": "Another birth date"}).expect(200)
    assert bundle.check_audit(partner.id, made["id"])["intact"]
    [disposition] = [item for item in bundle.evidence(partner.id, made["id"]) if item.get("decision")]
    table, key = bundle.customer_table, {name: disposition[name] for name in ("pk", "sk")}
    if tampering == "gone":
        table.delete_item(Key=key)
    else:
        table.put_item(Item={**disposition, tampering: "Positive"})
    verdict = bundle.check_audit(partner.id, made["id"])
    assert not verdict["intact"] and "disposition" in verdict["problem"], verdict


def test_who_is_not_there_has_no_chain(bundle: Bundle, partner: Partner, stranger: Partner) -> None:
    made = partner.onboard()
    assert bundle.check_audit(partner.id, samples.unknown_id())["found"] is False
    assert bundle.check_audit(stranger.id, made["id"])["found"] is False


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
