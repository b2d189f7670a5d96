"""Requests that are wrong: every failing field is reported at once, with a stable code and no echo of what was sent."""

import json

import pytest
from support import samples
from support.bundle import CUSTOMERS, REGISTRATIONS, Partner

REQUIRED, WRONG_TYPE, TOO_LONG, MALFORMED, NOT_ALLOWED, IN_FUTURE, TOO_EARLY, OUT_OF_RANGE, NOT_APPLICABLE, UNKNOWN = (
    1000, 1001, 1002, 1004, 1005, 1006, 1007, 1008, 1009, 1010,
)


def reported(answer) -> dict[str, int]:
    """The code for each field, by the field's name as the message begins with it."""
    found = {}
    for code, message in answer.errors():
        field = message.split(" ")[0]
        assert field not in found, f"{field} is reported twice"
        found[field] = code
    return found


def test_the_contracts_own_example(partner: Partner) -> None:
    """Both names missing: two errors of code 1000, first name first (cos.md §2.2)."""
    answer = partner.api.post(CUSTOMERS, samples.person(partner.id, {"name": {"firstName": ..., "lastName": ...}}))
    assert answer.errors() == [(1000, "firstName is required"), (1000, "lastName is required")]


def test_an_empty_request_misses_everything(partner: Partner) -> None:
    assert reported(partner.api.post(CUSTOMERS, {})) == {
        "partnerId": REQUIRED, "classification": REQUIRED, "name": REQUIRED, "profile": REQUIRED,
    }


def test_every_wrong_field_of_a_person_is_reported_at_once(partner: Partner) -> None:
    body = samples.person(partner.id, {
        "name": {"firstName": "", "lastName": "x" * 101, "entityName": "Company"},
        "profile": {
            "regO": "no", "citizenshipCountryCode": "XX", "politicallyExposedPerson": 1, "enableBackupWithholding": "true",
            "backupWithholdingPercent": "many", "taxIdType": "Passport", "birthDate": "1980-02-30", "riskRating": "None",
            "privacyOptOut": "yes", "dateFormed": "2015-01-01",
        },
        "dueDiligence": {"incomeState": "ZZ", "incomeCountryCode": "USA", "annualIncome": "much", "occupation": 7},
        "clientIdentifier": "x" * 51,
        "businessDueDiligence": {"naics": "54"},
    })
    assert reported(partner.api.post(CUSTOMERS, body)) == {
        "firstName": REQUIRED,
        "lastName": TOO_LONG,
        "entityName": NOT_APPLICABLE,
        "regO": WRONG_TYPE,
        "citizenshipCountryCode": MALFORMED,
        "politicallyExposedPerson": WRONG_TYPE,
        "enableBackupWithholding": WRONG_TYPE,
        "backupWithholdingPercent": WRONG_TYPE,
        "taxIdType": NOT_ALLOWED,
        "birthDate": MALFORMED,
        "riskRating": NOT_ALLOWED,
        "privacyOptOut": WRONG_TYPE,
        "dateFormed": NOT_APPLICABLE,
        "incomeState": MALFORMED,
        "incomeCountryCode": MALFORMED,
        "annualIncome": WRONG_TYPE,
        "occupation": WRONG_TYPE,
        "clientIdentifier": TOO_LONG,
        "businessDueDiligence": NOT_APPLICABLE,
    }


def test_every_wrong_field_of_a_company_is_reported_at_once(partner: Partner) -> None:
    body = samples.company(partner.id, {
        "name": {"entityName": ..., "firstName": "A"},
        "profile": {
            "taxId": "12-3456789", "dateFormed": "2999-01-01", "entityType": "Club", "ownershipType": "Nobody",
            "primaryOwnerCustomerId": "me", "birthDate": "1980-01-01", "backupWithholdingPercent": 101,
        },
        "businessDueDiligence": {
            "naics": "5", "merchantCategoryCode": "48166", "businessUrl": "not a url", "relationshipFormationDate": "1899-12-31",
        },
    })
    found = reported(partner.api.post(CUSTOMERS, body))
    assert found.pop("backupWithholdingPercent") in (MALFORMED, OUT_OF_RANGE)
    assert found == {
        "entityName": REQUIRED,
        "firstName": NOT_APPLICABLE,
        "taxId": MALFORMED,
        "dateFormed": IN_FUTURE,
        "entityType": NOT_ALLOWED,
        "ownershipType": NOT_ALLOWED,
        "primaryOwnerCustomerId": MALFORMED,
        "birthDate": NOT_APPLICABLE,
        "naics": MALFORMED,
        "merchantCategoryCode": MALFORMED,
        "businessUrl": MALFORMED,
        "relationshipFormationDate": TOO_EARLY,
    }


def test_wrong_primaries_are_reported_with_their_path(partner: Partner) -> None:
    body = samples.person(partner.id, {
        "primaryAddress": {"countryCode": "US"}, "primaryPhone": {"phoneNumber": "123"}, "primaryEmail": [], "primaryIdentification": {},
    })
    assert reported(partner.api.post(CUSTOMERS, body)) == {
        "primaryAddress.addressType": REQUIRED,
        "primaryAddress.street1": REQUIRED,
        "primaryAddress.city": REQUIRED,
        "primaryAddress.state": REQUIRED,
        "primaryAddress.postalCode": REQUIRED,
        "primaryPhone.phoneType": REQUIRED,
        "primaryPhone.phoneNumber": MALFORMED,
        "primaryEmail": WRONG_TYPE,
        "primaryIdentification.idType": REQUIRED,
        "primaryIdentification.idNumber": REQUIRED,
    }


@pytest.mark.parametrize(("profile", "code"), [
    ({"birthDate": "2999-01-01"}, IN_FUTURE),
    ({"birthDate": "1899-12-31"}, TOO_EARLY),
    ({"birthDate": "1953-13-01"}, MALFORMED),
    ({"birthDate": "09/22/1953"}, MALFORMED),
    ({"birthDate": "1953-9-22"}, MALFORMED),
    ({"birthDate": 19530922}, WRONG_TYPE),
    ({"birthDate": "2023-02-29"}, MALFORMED),
    ({"taxId": "11998877"}, MALFORMED),
    ({"taxId": "119-98-8776"}, MALFORMED),
    ({"taxId": "11998877x"}, MALFORMED),
    ({"taxId": 119988776}, WRONG_TYPE),
    ({"taxId": "*****8776"}, MALFORMED),
    ({"taxId": ...}, REQUIRED),
    ({"taxIdType": "None"}, NOT_APPLICABLE),
    ({"taxIdType": ...}, REQUIRED),
    ({"citizenshipCountryCode": "usa"}, MALFORMED),
    ({"backupWithholdingPercent": -1}, None),
], ids=str)
def test_one_wrong_value_in_a_profile(partner: Partner, profile: dict, code: int | None) -> None:
    answer = partner.api.post(CUSTOMERS, samples.person(partner.id, {"profile": profile}))
    found = answer.error()
    assert code is None or found == code, answer.text


def test_messages_never_repeat_what_was_sent(partner: Partner) -> None:
    needle = "Wumbledeedee"
    body = samples.merged(samples.person(partner.id), {
        "name": {"firstName": needle * 20}, "classification": needle, "clientIdentifier": needle * 9,
        "profile": {"taxIdType": needle, "taxId": needle, "birthDate": needle, "riskRating": needle},
    })
    answer = partner.api.post(CUSTOMERS, body)
    assert answer.status == 400
    assert needle not in answer.text


@pytest.mark.parametrize("body", ["", " ", "{", "[]", "1", "null", '"text"', '{"partnerId":}', "partnerId=1", "\x00", '{"a":1}{"b":2}'], ids=repr)
def test_a_body_that_is_no_json_object_is_told_so(partner: Partner, body: str) -> None:
    answer = partner.api.send("POST", CUSTOMERS, body=body, headers={"Content-Type": "application/json"})
    assert answer.error() == 1020


def test_deep_nesting_is_an_ordinary_mistake(partner: Partner) -> None:
    deep = "[" * 20_000 + "]" * 20_000
    answer = partner.api.send("POST", CUSTOMERS, body='{"partnerId":' + deep + "}", headers={"Content-Type": "application/json"})
    assert answer.error() == 1020


def test_an_oversized_body_is_refused_before_it_is_read(partner: Partner) -> None:
    fits = samples.person(partner.id, {"unknownField": "x" * 60_000})
    assert partner.api.post(CUSTOMERS, fits).status == 200, "an unknown field is ignored"
    for body in (samples.person(partner.id, {"unknownField": "x" * 300_000}), {"a": "x" * 3_000_000}):
        assert partner.api.post(CUSTOMERS, body).error(413) == 1021
    assert partner.api.put(f"{CUSTOMERS}/{samples.unknown_id()}/name", {"a": "x" * 300_000}).error(413) == 1021
    assert partner.api.post(REGISTRATIONS, {"a": "x" * 300_000}).error(413) == 1021


@pytest.mark.parametrize("name", ["Zoë", "Nuñez-O'Brien", "李", "Ægir Ðorðe", "x" * 100])
def test_names_of_all_languages_are_kept_as_they_are(partner: Partner, name: str) -> None:
    made = partner.onboard(samples.person(partner.id, {"name": {"firstName": name}}))
    assert partner.customer(made["id"])["name"]["firstName"] == name


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "\u202egnp.exe", "a\u0000b"], ids=repr)
def test_names_that_could_forge_a_line_are_refused(partner: Partner, name: str) -> None:
    assert partner.api.post(CUSTOMERS, samples.person(partner.id, {"name": {"firstName": name}})).error() == MALFORMED


def test_values_are_read_in_any_letter_case_and_answered_as_documented(partner: Partner) -> None:
    made = partner.onboard(samples.person(partner.id, {"classification": "personal", "profile": {"riskRating": "LOW", "taxIdType": "SSN"}}))
    assert (made["classification"], made["profile"]["riskRating"], made["profile"]["taxIdType"]) == ("Personal", "Low", "Ssn")


def test_null_and_blank_are_absent(partner: Partner) -> None:
    body = samples.person(partner.id)
    body["clientIdentifier"] = None
    body["name"]["middleName"] = "  "
    made = partner.api.post(CUSTOMERS, body).expect(200)
    assert "clientIdentifier" not in made
    assert "middleName" not in made["name"]


def test_an_owner_must_be_a_personal_customer(partner: Partner) -> None:
    company = partner.onboard(samples.company(partner.id))
    for owner in (samples.unknown_id(), company["id"]):
        body = samples.company(partner.id, {"profile": {"primaryOwnerCustomerId": owner}})
        answer = partner.api.post(CUSTOMERS, body)
        assert answer.error() == UNKNOWN
        assert "primaryOwnerCustomerId" in answer.text


def test_query_parameters_are_checked_together(partner: Partner) -> None:
    query = {
        "pageNumber": "0", "pageSize": "51", "partnerId": "x", "id": "x", "cifNumber": "1", "taxId": "?", "classification": "x",
        "ofac": "x", "pepScan": "x", "fromCreatedAt": "yesterday", "toCreatedAt": "2026-02-30",
    }
    found = reported(partner.api.get(CUSTOMERS, query))
    assert set(found) == set(query)
    assert (found["pageNumber"], found["pageSize"], found["classification"]) == (OUT_OF_RANGE, OUT_OF_RANGE, NOT_ALLOWED)


def test_error_bodies_are_json_in_the_contracts_case(partner: Partner) -> None:
    answer = partner.api.post(CUSTOMERS, {})
    assert answer.headers["content-type"].startswith("application/json")
    assert list(json.loads(answer.text)) == ["Errors"]
