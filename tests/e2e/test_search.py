"""Listing and searching customers: filters, pages, and what they do not show."""

import time

import pytest
from support import samples
from support.bundle import CUSTOMERS, Bundle, Partner


@pytest.fixture(scope="module")
def crowd(partner: Partner) -> list[dict]:
    """Twelve customers in the order in which they came, all screened."""
    made = [partner.onboard(samples.person(partner.id, {"clientIdentifier": f"crowd-{number}"})) for number in range(8)]
    made += [partner.onboard(samples.company(partner.id)) for _ in range(2)]
    made.append(partner.onboard(samples.named(partner.id, "Vladimir", "Putin")))
    made.append(partner.onboard(samples.company(partner.id, {"name": {"entityName": "Blue Star Diamond"}})))
    return [partner.screened(customer["id"]) for customer in made]


def ids(partner: Partner, query: dict | list) -> list[str]:
    return [customer["id"] for customer in partner.api.get(CUSTOMERS, query).expect(200)["results"]]


def test_all_of_them_by_creation(partner: Partner, crowd: list[dict]) -> None:
    page = partner.api.get(CUSTOMERS).expect(200)
    assert set(page) == {"results", "pageNumber", "pageSize", "hasPreviousPage", "hasNextPage"}
    assert (page["pageNumber"], page["pageSize"], page["hasPreviousPage"], page["hasNextPage"]) == (1, 25, False, False)
    listed = [customer["id"] for customer in page["results"]]
    assert listed in ([c["id"] for c in crowd], [c["id"] for c in reversed(crowd)])
    assert sorted(c["createdAt"] for c in crowd) == [c["createdAt"] for c in crowd]


@pytest.mark.parametrize("size", [1, 5, 12, 50])
def test_pages_hold_everybody_once(partner: Partner, crowd: list[dict], size: int) -> None:
    seen, number = [], 1
    while True:
        page = partner.api.get(CUSTOMERS, {"pageNumber": number, "pageSize": size}).expect(200)
        assert page["pageNumber"] == number
        assert page["hasPreviousPage"] is (number > 1)
        seen += [customer["id"] for customer in page["results"]]
        if not page["hasNextPage"]:
            break
        assert len(page["results"]) == size
        number += 1
    assert len(seen) == len(crowd)
    assert set(seen) == {customer["id"] for customer in crowd}


def test_a_page_asked_for_directly_is_the_page_walked_to(partner: Partner, crowd: list[dict]) -> None:
    """Nobody has been on page 3 of this size before, so there is no bookmark to it."""
    whole = ids(partner, {"pageSize": 50})
    assert ids(partner, {"pageNumber": 3, "pageSize": 4}) == whole[8:12]
    assert ids(partner, {"pageNumber": 2, "pageSize": 4}) == whole[4:8]
    assert ids(partner, {"pageNumber": 9, "pageSize": 4}) == []


def test_each_filter(partner: Partner, crowd: list[dict]) -> None:
    by_name = {customer["name"]["fullName"]: customer["id"] for customer in crowd}
    companies = {customer["id"] for customer in crowd if customer["classification"] == "Business"}
    cases: list[tuple[dict, set[str]]] = [
        ({"id": crowd[3]["id"]}, {crowd[3]["id"]}),
        ({"cifNumber": crowd[4]["cifNumber"]}, {crowd[4]["id"]}),
        ({"clientIdentifier": "crowd-5"}, {crowd[5]["id"]}),
        ({"classification": "Business"}, companies),
        ({"ofac": "Failed"}, {by_name["Blue Star Diamond"]} | {c["id"] for c in crowd if c["ofac"] == "Failed"}),
        ({"pepScan": "Failed"}, {by_name["Vladimir Putin"]}),
        ({"ofac": "Clear", "classification": "Business"}, companies - {by_name["Blue Star Diamond"]}),
        ({"partnerId": partner.id}, {customer["id"] for customer in crowd}),
        ({"partnerId": samples.unknown_id()}, set()),
        ({"ofac": "Positive"}, set()),
        ({"clientIdentifier": "nobody"}, set()),
        ({"cifNumber": crowd[4]["cifNumber"], "classification": "Business"}, set()),
        ({"id": crowd[3]["id"], "clientIdentifier": "crowd-5"}, set()),
    ]
    for query, expected in cases:
        assert set(ids(partner, {**query, "pageSize": 50})) == expected, query


def test_by_tax_id_whatever_its_kind(partner: Partner) -> None:
    number = samples.social_security_number()
    made = [partner.onboard(samples.person(partner.id, {"profile": {"taxId": number, "taxIdType": kind}}))["id"] for kind in ("Ssn", "Itin")]
    assert set(ids(partner, {"taxId": number})) == set(made)
    assert ids(partner, {"taxId": samples.social_security_number()}) == []


def test_by_time_of_creation(partner: Partner, crowd: list[dict]) -> None:
    between = {"fromCreatedAt": crowd[3]["createdAt"], "toCreatedAt": crowd[6]["createdAt"], "pageSize": 50}
    assert set(ids(partner, between)) == {customer["id"] for customer in crowd[3:7]}
    # Two days when it was midnight in between.
    first, last = (customer["createdAt"][:10] for customer in (crowd[0], crowd[-1]))
    assert {customer["id"] for customer in crowd} <= set(ids(partner, {"fromCreatedAt": first, "toCreatedAt": last, "pageSize": 50}))
    assert ids(partner, {"toCreatedAt": "2020-01-01"}) == []
    for far in ("2287-01-01", "2300-01-01", "2999-01-01", "7000-01-01", "9999-12-31"):
        assert ids(partner, {"fromCreatedAt": far}) == []
        assert {customer["id"] for customer in crowd} <= set(ids(partner, {"fromCreatedAt": first, "toCreatedAt": far, "pageSize": 50})), far


def test_filters_hold_on_every_page(partner: Partner, crowd: list[dict]) -> None:
    people = [c["id"] for c in crowd if c["classification"] == "Personal"]
    seen: list[str] = []
    for number in range(1, 10):
        page = partner.api.get(CUSTOMERS, {"classification": "Personal", "pageSize": 2, "pageNumber": number}).expect(200)
        seen += [customer["id"] for customer in page["results"]]
        if not page["hasNextPage"]:
            break
    assert set(people) <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_new_customer_is_found_at_once_by_exact_terms(partner: Partner) -> None:
    """The reading is strongly consistent: no index has to catch up."""
    for number in range(5):
        made = partner.onboard(samples.person(partner.id, {"clientIdentifier": f"now-{number}-{samples.digits(6)}"}))
        assert ids(partner, {"clientIdentifier": made["clientIdentifier"]}) == [made["id"]]


def test_two_customers_may_share_a_client_identifier(partner: Partner) -> None:
    own = f"shared-{samples.digits(8)}"
    made = {partner.onboard(samples.person(partner.id, {"clientIdentifier": own}))["id"] for _ in range(2)}
    assert set(ids(partner, {"clientIdentifier": own})) == made


def test_no_table_is_scanned_on_the_way(bundle: Bundle, partner: Partner, crowd: list[dict]) -> None:
    """One page of a listing is one round trip, two without a bookmark."""
    since = time.time() - 1
    ids(partner, {"pageSize": 6})
    ids(partner, {"pageSize": 6, "pageNumber": 2})
    lines = [record for invocation in bundle.invocations_of("customer-search", since) for record in invocation.records]
    assert len(lines) >= 2
    # A data key and the bookmark that a page leaves come on top in a sandbox that starts cold.
    assert max(line["dynamodb_round_trips"] for line in lines) <= 4
