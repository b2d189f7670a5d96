"""What operators do about reviews: a partner's decision policy, and alert lists."""

import uuid

import pytest
from support import samples
from support.bundle import Bundle, FunctionFailed, Partner
from support.ekyc import Ekyc
from support.waiting import stays, wait_until_equal

SCOPES = "customers:read customers:write compliance:review"


def enrol(partner: Partner, **changes) -> dict:
    """Enrols somebody and gives the customer with its review."""
    api = partner.api_with(SCOPES)
    # The family name stands in the address as well, and numbers and places fit: nothing speaks against this person. The
    # provider gives out no handles of over 30 letters.
    first, last = samples.word(), samples.word()
    body = samples.merged({
        "name": f"{first} {last}",
        "type": "individual",
        "email": samples.private(f"{first[:4]}.{last}{uuid.uuid4().int % 90 + 10}@gmail.com".lower()),
        "phone": samples.private(f"+1775{samples.digits(1, '23456789')}{samples.digits(2, '23456789')}{samples.digits(4)}"),
        "device": {"ip_address": f"198.51.100.{uuid.uuid4().int % 250 + 1}"},
    }, changes)
    customer = api.post("/v1/customers", body).expect(201)["data"]
    review = api.get(f"/v1/customers/{customer['id']}/review").expect(200)["data"]
    return {"customer": customer, "review": review}


def alerts(enrolled: dict) -> list[str]:
    return enrolled["review"]["identity_details"]["network_alerts"]["codes"]


def test_an_alert_warns_until_it_is_withdrawn_and_shared_ones_warn_every_partner(bundle: Bundle) -> None:
    one, other = bundle.new_partner(), bundle.new_partner()
    domain = f"{uuid.uuid4().hex[:12]}.example.com"
    own, common = samples.private(f"ann.lee@{domain}"), samples.private(f"bob.roe@{domain}")
    alert = {"action": "raise-alert", "partnerId": one.id, "kind": "email"}
    for _ in range(2):
        bundle.invoke("review-admin", {**alert, "value": own})
        bundle.invoke("review-admin", {**alert, "value": common.upper(), "shared": True})

    assert "R110" in alerts(enrol(one, email=own))
    assert enrol(one, email=common)["customer"]["status"] == "review"
    assert "R110" not in alerts(enrol(other, email=own)), "it was raised for one partner alone"
    warned = enrol(other, email=common)
    assert "R110" in alerts(warned)
    assert one.id not in str(warned), "who warned is not told"

    withdrawn = bundle.new_partner()
    for value in (own, common):
        bundle.invoke("review-admin", {**alert, "action": "withdraw-alert", "value": value})
    assert "R110" not in alerts(enrol(withdrawn, email=common))


def test_one_account_under_several_names_is_for_a_person_at_whatever_partner(bundle: Bundle) -> None:
    partners = [bundle.new_partner() for _ in range(3)]
    account = samples.bank_account()
    # Two may share an account. Every review but the last is seen to stay what it is.
    for number, partner in enumerate(partners):
        enrolled = enrol(partner)["customer"]
        assert enrolled["status"] == "verified"
        api, path = partner.api_with(SCOPES), f"/v1/customers/{enrolled['id']}"
        Ekyc(bundle, partner).prove(enrolled, account)
        expected = "review" if number == 2 else "verified"
        wait_until_equal("its place in the network", lambda at=enrolled: remembered(bundle, partner, at), True)
        wait_until_equal("its status", lambda: api.get(path).expect(200)["data"]["status"], expected)
    details = api.get(f"{path}/review").expect(200)["data"]["identity_details"]
    assert details["reputation"]["codes"].count("GR004") == 1
    assert details["decided_by"]["rule"] == "reputation.review"
    assert "bank account" in details["messages"]["GR004"]
    assert not any(other.id in str(details) for other in partners), "who else is not told"
    # A person accepts it, and that stands when the same is asked again.
    api.patch(f"{path}/review", {"status": "verified"}).expect(200)
    Ekyc(bundle, partner).prove(enrolled, account)
    stays("its status", lambda: api.get(path).expect(200)["data"]["status"], "verified", 3)


def remembered(bundle: Bundle, partner: Partner, customer: dict) -> bool:
    """Whether the network has the customer's account."""
    key = {"pk": f"P#{partner.id}#C#{customer['id']}", "sk": "NETWORK"}
    trail = bundle.customer_table.get_item(Key=key, ConsistentRead=True).get("Item", {"keys": []})
    return any(entry.startswith("bank-account#") for entry in trail["keys"])


def test_an_account_that_a_partner_warns_of_is_for_a_person_once_it_is_proved(bundle: Bundle, partner: Partner) -> None:
    account = samples.bank_account()
    alert = {"action": "raise-alert", "partnerId": partner.id, "kind": "bankAccount"}
    bundle.invoke("review-admin", {**alert, "value": f"{samples.SORT_CODE} {account}"})
    enrolled = enrol(partner)["customer"]
    api, path = partner.api_with(SCOPES), f"/v1/customers/{enrolled['id']}"
    assert enrolled["status"] == "verified"
    Ekyc(bundle, partner).prove(enrolled, account)
    wait_until_equal("its status", lambda: api.get(path).expect(200)["data"]["status"], "review")
    details = api.get(f"{path}/review").expect(200)["data"]["identity_details"]
    assert details["network_alerts"]["alerts"] == ["bank_account.listed"]


def test_a_partners_policy_decides_its_reviews_and_no_others(bundle: Bundle) -> None:
    one, other = bundle.new_partner(), bundle.new_partner()
    assert bundle.invoke("review-admin", {"action": "get-policy", "partnerId": one.id})["version"] == 0
    # That a mailbox is with a well-known provider decides nothing by default.
    policy = {"floors": {"I566": "reject"}}
    command = {"action": "set-policy", "partnerId": one.id, "by": "operations", "policy": policy}
    assert bundle.invoke("review-admin", {**command, "version": 0})["version"] == 1
    with pytest.raises(FunctionFailed, match="another version"):
        bundle.invoke("review-admin", {**command, "version": 0})

    ruled, default = enrol(one), enrol(other)
    assert ruled["customer"]["status"] == "rejected", ruled
    assert default["customer"]["status"] != "rejected", default
    stored = bundle.invoke("review-admin", {"action": "get-policy", "partnerId": one.id})
    assert (stored["version"], stored["policy"]["floors"]) == (1, {"I566": "reject"})


@pytest.mark.parametrize("command", [
    {"action": "set-policy", "version": 0, "by": "operations", "policy": {"fraud": {"review": 0.9, "reject": 0.1}}},
    {"action": "set-policy", "version": 0, "by": "operations", "policy": {"floors": {"X1": "review"}}},
    {"action": "raise-alert", "kind": "email", "value": "no address"},
    {"action": "raise-alert", "kind": "shoe size", "value": "44"},
    {"action": "anything"},
], ids=["thresholds cross", "unknown code", "no e-mail address", "unknown kind", "unknown action"])
def test_what_is_no_command_is_refused_without_its_value(bundle: Bundle, command: dict) -> None:
    with pytest.raises(FunctionFailed) as refused:
        bundle.invoke("review-admin", {"partnerId": bundle.partner.id, **command})
    assert "no address" not in str(refused.value) and "shoe" not in str(refused.value)
