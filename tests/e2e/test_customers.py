"""Customers: onboarding, reading, updating and deactivating them, as the contract documents it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support import samples
from support.bundle import CUSTOMERS, Bundle, Partner
from support.shape import CIF_NUMBER, TIME, UUID, differences, same


def masked(number: str) -> str:
    return "*" * (len(number) - 4) + number[-4:]


def test_a_person_with_every_documented_field(partner: Partner) -> None:
    body = samples.person(partner.id, {
        "name": {"prefix": "Ms.", "middleName": "Q", "suffix": "", "preferredName": "D"},
        "profile": {
            "citizenshipCountryCode": "US", "enableBackupWithholding": False, "backupWithholdingPercent": 0, "privacyOptOut": True,
        },
        "dueDiligence": samples.due_diligence(),
        "clientIdentifier": f"crm-{samples.digits(8)}",
    })
    answer = partner.unmasked.post(CUSTOMERS, body)
    made = answer.expect(200)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["request-id"]
    name = {name: value for name, value in body["name"].items() if value}
    expected = {
        "id": UUID,
        "cifNumber": CIF_NUMBER,
        "classification": "Personal",
        "status": "Active",
        "ofac": "Pending",
        "pepScan": "Pending",
        "name": {**name, "fullName": f"{name['firstName']} Q {name['lastName']}"},
        "profile": body["profile"],
        "dueDiligence": body["dueDiligence"],
        "clientIdentifier": body["clientIdentifier"],
        "createdAt": TIME,
        "lastModifiedAt": TIME,
        "partnerId": partner.id,
    }
    same(expected, made, "the answer")
    partner.screened(made["id"])
    read = partner.unmasked.get(f"{CUSTOMERS}/{made['id']}").expect(200)
    same({**expected, "id": made["id"], "cifNumber": made["cifNumber"], "ofac": "Clear", "pepScan": "Clear"}, read, "the record")


def test_a_company_with_every_documented_field_and_its_owner(partner: Partner) -> None:
    owner = partner.onboard()
    body = samples.company(partner.id, {"profile": {"primaryOwnerCustomerId": owner["id"]}})
    made = partner.unmasked.post(CUSTOMERS, body).expect(200)
    same({
        "id": UUID,
        "cifNumber": CIF_NUMBER,
        "classification": "Business",
        "status": "Active",
        "ofac": "Pending",
        "pepScan": "Pending",
        "name": {**body["name"], "fullName": body["name"]["entityName"]},
        "profile": body["profile"],
        "businessDueDiligence": body["businessDueDiligence"],
        "createdAt": TIME,
        "lastModifiedAt": TIME,
        "partnerId": partner.id,
    }, made, "the answer")


def test_primaries_come_with_the_customer_in_one_call(partner: Partner) -> None:
    primaries = {
        "primaryAddress": samples.address(), "primaryPhone": samples.phone(),
        "primaryEmail": samples.email(), "primaryIdentification": samples.identification(),
    }
    made = partner.unmasked.post(CUSTOMERS, samples.person(partner.id, primaries)).expect(200)
    for name, body in primaries.items():
        same({"id": UUID, **body, "isPrimary": True}, made[name], name)
    # Each is there as a sub-resource of its own as well.
    for kind, name in (("addresses", "primaryAddress"), ("phones", "primaryPhone"), ("emails", "primaryEmail"),
                       ("identifications", "primaryIdentification")):
        found = partner.unmasked.get(f"{CUSTOMERS}/{made['id']}/{kind}").expect(200)
        assert found["results"] == [made[name]]


def test_file_numbers_are_unique_under_load(partner: Partner, stranger: Partner) -> None:
    """Two partners at once, whose first keys are made at the same moment."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        made = list(pool.map(lambda who: who.onboard(), [partner, stranger] * 8))
    assert len({customer["cifNumber"] for customer in made}) == len(made)
    assert len({customer["id"] for customer in made}) == len(made)


def test_a_customer_is_read_back(partner: Partner) -> None:
    made = partner.onboard()
    read = partner.screened(made["id"])
    moving = ("ofac", "pepScan", "lastModifiedAt", "dueDiligence", "profile")
    assert not differences({k: v for k, v in made.items() if k not in moving}, {k: v for k, v in read.items() if k not in moving})
    assert read["lastModifiedAt"] > made["lastModifiedAt"]


def test_secrets_are_masked_unless_the_token_says_otherwise(partner: Partner) -> None:
    body = samples.person(partner.id, {"primaryIdentification": samples.identification()})
    made = partner.onboard(body)
    tax_id, id_number = body["profile"]["taxId"], body["primaryIdentification"]["idNumber"]
    for api, shown_tax, shown_id in ((partner.api, masked(tax_id), masked(id_number)), (partner.unmasked, tax_id, id_number)):
        read = api.get(f"{CUSTOMERS}/{made['id']}").expect(200)
        assert read["profile"]["taxId"] == shown_tax
        assert read["primaryIdentification"]["idNumber"] == shown_id
        [listed] = api.get(f"{CUSTOMERS}/{made['id']}/identifications").expect(200)["results"]
        assert listed["idNumber"] == shown_id
    assert made["profile"]["taxId"] == masked(tax_id)
    for api in (partner.api, partner.unmasked):
        [found] = api.get(CUSTOMERS, {"id": made["id"]}).expect(200)["results"]
        assert found["profile"]["taxId"] == masked(tax_id), "a list never shows a tax id"


def test_no_secret_lies_in_the_table_in_clear(bundle: Bundle, partner: Partner) -> None:
    body = samples.person(partner.id, {"primaryIdentification": samples.identification(), "primaryPhone": samples.phone()})
    key = samples.unknown_id()

    def everything() -> list[dict]:
        pages = bundle.dynamodb.get_paginator("scan").paginate(TableName=bundle.outputs["CustomerTable"])
        return [item for page in pages for item in page["Items"]]

    # Nine digits stand by chance in one of many numbers; what was there before cannot hold these.
    before = {repr(item) for item in everything()}
    made = partner.unmasked.post(CUSTOMERS, body, key=key).expect(200)
    tax_id, id_number = body["profile"]["taxId"], body["primaryIdentification"]["idNumber"]
    items = [item for item in everything() if repr(item) not in before]
    assert any(item["pk"]["S"] == f"P#{partner.id}#C#{made['id']}" for item in items)
    for item in items:
        text = repr(item)
        for secret in (tax_id, id_number):
            assert secret not in text, f"{item['pk']['S']} {item['sk']['S']} holds a secret in clear"


# ---- updates


def test_a_name_is_replaced(partner: Partner) -> None:
    made = partner.onboard(name={"middleName": "Q"})
    name = {"firstName": samples.word(), "lastName": samples.word()}
    changed = partner.api.put(f"{CUSTOMERS}/{made['id']}/name", name).expect(200)
    assert changed["name"] == {**name, "fullName": f"{name['firstName']} {name['lastName']}"}
    assert changed["lastModifiedAt"] > made["lastModifiedAt"]
    assert partner.customer(made["id"])["name"] == changed["name"]


def test_a_profile_is_replaced_but_a_tax_id_left_out_or_sent_as_shown_stays(partner: Partner) -> None:
    body = samples.person(partner.id)
    made = partner.onboard(body)
    path = f"{CUSTOMERS}/{made['id']}/profile"
    tax_id = body["profile"]["taxId"]
    for profile in ({"riskRating": "High"}, {"riskRating": "Medium", "taxIdType": "Ssn", "taxId": masked(tax_id)}):
        changed = partner.api.put(path, profile).expect(200)
        assert changed["profile"]["riskRating"] == profile["riskRating"]
        assert "birthDate" not in changed["profile"], "what is left out is gone"
        assert partner.unmasked.get(f"{CUSTOMERS}/{made['id']}").expect(200)["profile"]["taxId"] == tax_id
    other = samples.social_security_number()
    partner.api.put(path, {"taxIdType": "Itin", "taxId": other}).expect(200)
    assert partner.unmasked.get(f"{CUSTOMERS}/{made['id']}").expect(200)["profile"]["taxId"] == other
    assert partner.api.get(CUSTOMERS, {"taxId": other}).expect(200)["results"][0]["id"] == made["id"]
    assert partner.api.get(CUSTOMERS, {"taxId": tax_id}).expect(200)["results"] == []


def test_due_diligence_is_replaced(partner: Partner) -> None:
    made = partner.onboard()
    path = f"{CUSTOMERS}/{made['id']}/due-diligence"
    assert partner.api.put(path, samples.due_diligence()).expect(200)["dueDiligence"] == samples.due_diligence()
    assert partner.api.put(path, {"occupation": "Retired"}).expect(200)["dueDiligence"] == {"occupation": "Retired", "annualIncome": 0}
    company = partner.onboard(samples.company(partner.id))
    theirs = f"{CUSTOMERS}/{company['id']}/business-due-diligence"
    assert partner.api.put(theirs, {"naics": "54"}).expect(200)["businessDueDiligence"] == {"naics": "54"}


def test_each_classification_has_its_own_parts(partner: Partner) -> None:
    person, company = partner.onboard(), partner.onboard(samples.company(partner.id))
    cases = [
        (f"{CUSTOMERS}/{person['id']}/business-due-diligence", {"naics": "54"}),
        (f"{CUSTOMERS}/{company['id']}/due-diligence", samples.due_diligence()),
        (f"{CUSTOMERS}/{person['id']}/name", {"firstName": "A", "lastName": "B", "entityName": "C"}),
        (f"{CUSTOMERS}/{company['id']}/name", {"entityName": "C", "firstName": "A"}),
        (f"{CUSTOMERS}/{person['id']}/profile", {"dateFormed": "2015-06-25"}),
        (f"{CUSTOMERS}/{company['id']}/profile", {"birthDate": "1980-01-01"}),
    ]
    for path, body in cases:
        assert partner.api.put(path, body).codes() == [1009], path


def test_parallel_updates_of_one_customer_are_all_kept(bundle: Bundle, partner: Partner) -> None:
    """Each that was answered with 200 is in the chain, and no other is."""
    made = partner.onboard()
    partner.screened(made["id"])
    path, born = f"{CUSTOMERS}/{made['id']}", made["profile"]["birthDate"]
    ratings = ["Low", "Medium", "High"]

    def change(number: int) -> tuple[str, int]:
        if number % 2:
            return "ChangeDueDiligence", partner.api.put(f"{path}/due-diligence", {"annualIncome": 1000 + number}).status
        return "ChangeProfile", partner.api.put(f"{path}/profile", {"birthDate": born, "riskRating": ratings[number // 2 % 3]}).status

    with ThreadPoolExecutor(max_workers=6) as pool:
        done = list(pool.map(change, range(12)))
    # 409 says: in the way of another one, retry with the same key. Nothing else may happen.
    assert {status for _, status in done} <= {200, 409}, done
    chain = [entry["action"] for entry in bundle.audit(partner.id, made["id"])]
    assert chain.count("ChangeDueDiligence") == done.count(("ChangeDueDiligence", 200)) >= 1, "each of these differs from the one before"
    # A rating that is already there changes nothing and leaves nothing.
    assert 1 <= chain.count("ChangeProfile") <= done.count(("ChangeProfile", 200))
    assert bundle.check_audit(partner.id, made["id"])["intact"]


# ---- deactivation


def test_a_deactivated_customer_stays_readable_and_no_longer_changes(partner: Partner) -> None:
    made = partner.onboard()
    phone = partner.api.post(f"{CUSTOMERS}/{made['id']}/phones", samples.phone()).expect(200)
    path = f"{CUSTOMERS}/{made['id']}"
    for _ in range(2):
        assert partner.api.delete(path).expect(200)["status"] == "Inactive"
    assert partner.customer(made["id"])["status"] == "Inactive"
    for refused in (
        partner.api.put(f"{path}/name", {"firstName": samples.word(), "lastName": samples.word()}),
        partner.api.put(f"{path}/profile", {"riskRating": "High"}),
        partner.api.post(f"{path}/addresses", samples.address()),
        partner.api.put(f"{path}/phones/{phone['id']}", samples.phone()),
        partner.api.delete(f"{path}/phones/{phone['id']}"),
    ):
        assert refused.error() == 2005, refused.request
    assert partner.api.get(f"{path}/phones").expect(200)["results"] == [phone]


@pytest.mark.parametrize("customer_id", ["x", "0", "00000000-0000-0000-0000-000000000000", "%2e%2e", "9052b6a5-3f09-41d1-b526-ade80104eb7g"])
def test_what_is_no_customers_id_is_not_found(partner: Partner, customer_id: str) -> None:
    assert partner.api.get(f"{CUSTOMERS}/{customer_id}").error(404) == 2001
