"""Addresses, phones, e-mails, identifications and beneficial owners, and which of each is the primary one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from support import samples
from support.api import Answer
from support.bundle import CUSTOMERS, Bundle, Partner
from support.shape import UUID, same


@dataclass(frozen=True)
class Kind:
    path: str
    body: Callable[..., dict]
    on_customer: str
    wrong: dict
    complaints: set[str]


KINDS = [
    Kind("addresses", samples.address, "primaryAddress",
         {"addressType": "Beach", "classification": "x", "street1": "", "city": 1, "countryCode": "ZZ", "isPrimary": "yes"},
         {"addressType", "classification", "street1", "city", "countryCode", "isPrimary"}),
    Kind("phones", samples.phone, "primaryPhone",
         {"phoneType": "Fax", "phoneNumber": "201-555-2345", "extension": "abc", "isPrimary": 1},
         {"phoneType", "phoneNumber", "extension", "isPrimary"}),
    Kind("emails", samples.email, "primaryEmail", {"emailType": "Fax", "emailAddress": "nobody", "isPrimary": 1},
         {"emailType", "emailAddress", "isPrimary"}),
    Kind("identifications", samples.identification, "primaryIdentification",
         {"idType": "Library", "idNumber": "<script>", "issuedDate": "2999-01-01", "expDate": "never", "verifiedDate": 5,
          "issuingStateOrProvince": "ZZ", "issuingCountryCode": "US", "isPrimary": 0},
         {"idType", "idNumber", "issuedDate", "expDate", "verifiedDate", "issuingStateOrProvince", "isPrimary"}),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.path)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture
def customer(partner: Partner) -> dict:
    return partner.onboard()


def primaries(partner: Partner, base: str) -> list[str]:
    return [found["id"] for found in partner.api.get(base).expect(200)["results"] if found["isPrimary"]]


def test_add_get_list_update_remove(partner: Partner, customer: dict, kind: Kind) -> None:
    base = f"{CUSTOMERS}/{customer['id']}/{kind.path}"
    empty = partner.api.get(base).expect(200)
    assert empty == {"results": [], "pageNumber": 1, "pageSize": 25, "hasPreviousPage": False, "hasNextPage": False}
    body = kind.body()
    added = partner.api.post(base, body).expect(200)
    read = partner.unmasked.get(f"{base}/{added['id']}").expect(200)
    same({"id": UUID, **body}, read, "the sub-resource")
    assert partner.customer(customer["id"])[kind.on_customer]["id"] == added["id"]
    changed_body = kind.body()
    changed = partner.api.put(f"{base}/{added['id']}", changed_body).expect(200)
    assert changed["id"] == added["id"]
    same({"id": added["id"], **changed_body}, partner.unmasked.get(f"{base}/{added['id']}").expect(200), "the changed one")
    removed = partner.api.delete(f"{base}/{added['id']}").expect(200)
    assert removed == changed
    assert partner.api.get(f"{base}/{added['id']}").error(404) == 2001
    assert partner.api.delete(f"{base}/{added['id']}").error(404) == 2001
    assert partner.api.get(base).expect(200)["results"] == []
    assert kind.on_customer not in partner.customer(customer["id"])


def test_there_is_exactly_one_primary_whatever_is_asked(partner: Partner, customer: dict, kind: Kind) -> None:
    base = f"{CUSTOMERS}/{customer['id']}/{kind.path}"
    first = partner.api.post(base, kind.body({"isPrimary": False})).expect(200)
    assert first["isPrimary"] is True, "the first one is the primary, whatever it says"
    second = partner.api.post(base, kind.body({"isPrimary": ...})).expect(200)
    assert second["isPrimary"] is False, "later ones are secondary"
    third = partner.api.post(base, kind.body({"isPrimary": True})).expect(200)
    assert third["isPrimary"] is True
    assert primaries(partner, base) == [third["id"]], "a new primary moves the flag"
    assert partner.customer(customer["id"])[kind.on_customer]["id"] == third["id"]
    # The primary can neither be removed while there are others nor give the flag up.
    assert partner.api.delete(f"{base}/{third['id']}").error() == 2004
    assert partner.api.put(f"{base}/{third['id']}", kind.body({"isPrimary": False})).error() == 2004
    assert primaries(partner, base) == [third["id"]]
    # Another one takes the flag over.
    partner.api.put(f"{base}/{first['id']}", kind.body({"isPrimary": True})).expect(200)
    assert primaries(partner, base) == [first["id"]]
    # An update that does not mention the flag leaves it.
    partner.api.put(f"{base}/{first['id']}", kind.body({"isPrimary": ...})).expect(200)
    assert primaries(partner, base) == [first["id"]]
    for gone in (second, third):
        partner.api.delete(f"{base}/{gone['id']}").expect(200)
    partner.api.delete(f"{base}/{first['id']}").expect(200)
    assert primaries(partner, base) == []


@pytest.mark.parametrize("asks", [..., True], ids=["none asks for it", "all ask for it"])
def test_there_is_one_primary_when_many_come_at_once(partner: Partner, customer: dict, kind: Kind, asks: object) -> None:
    base = f"{CUSTOMERS}/{customer['id']}/{kind.path}"

    def add(_: int) -> int:
        # 409 says that another one was in the way: retry, as the contract asks for.
        return retried(lambda: partner.api.post(base, kind.body({"isPrimary": asks})))

    with ThreadPoolExecutor(max_workers=5) as pool:
        statuses = list(pool.map(add, range(5)))
    assert statuses == [200] * 5
    assert len(partner.api.get(base).expect(200)["results"]) == 5
    [primary] = primaries(partner, base)
    assert partner.customer(customer["id"])[kind.on_customer]["id"] == primary


def retried(send: Callable[[], Answer]) -> int:
    for _ in range(8):
        found = send()
        if found.status != 409:
            return found.status
        assert found.error(409) == 2002
        assert found.headers["retry-after"]
    return 409


def test_every_wrong_field_is_reported_at_once(partner: Partner, customer: dict, kind: Kind) -> None:
    base = f"{CUSTOMERS}/{customer['id']}/{kind.path}"
    answer = partner.api.post(base, kind.wrong)
    assert {message.split(" ")[0] for _, message in answer.errors()} == kind.complaints
    good = partner.api.post(base, kind.body()).expect(200)
    answer = partner.api.put(f"{base}/{good['id']}", kind.wrong)
    assert {message.split(" ")[0] for _, message in answer.errors()} == kind.complaints
    assert partner.api.post(base, {}).codes() and set(partner.api.post(base, {}).codes()) == {1000}


def test_an_unknown_customer_or_sub_resource_is_not_found(partner: Partner, customer: dict, kind: Kind) -> None:
    nowhere = f"{CUSTOMERS}/{samples.unknown_id()}/{kind.path}"
    here = f"{CUSTOMERS}/{customer['id']}/{kind.path}"
    assert partner.api.post(nowhere, kind.body()).error(404) == 2001
    assert partner.api.get(nowhere).error(404) == 2001
    for base in (nowhere, here):
        one = f"{base}/{samples.unknown_id()}"
        assert partner.api.get(one).error(404) == 2001
        assert partner.api.put(one, kind.body()).error(404) == 2001
        assert partner.api.delete(one).error(404) == 2001
    assert partner.api.get(f"{here}/not-an-id").error(404) == 2001


def test_the_id_of_another_customers_sub_resource_is_not_found(partner: Partner, customer: dict, kind: Kind) -> None:
    other = partner.onboard()
    theirs = partner.api.post(f"{CUSTOMERS}/{other['id']}/{kind.path}", kind.body()).expect(200)
    assert partner.api.get(f"{CUSTOMERS}/{customer['id']}/{kind.path}/{theirs['id']}").error(404) == 2001


def test_lists_are_paged(partner: Partner, customer: dict) -> None:
    base = f"{CUSTOMERS}/{customer['id']}/phones"
    added = [partner.api.post(base, samples.phone({"isPrimary": ...})).expect(200)["id"] for _ in range(5)]
    pages = [partner.api.get(base, {"pageNumber": number, "pageSize": 2}).expect(200) for number in (1, 2, 3, 4)]
    assert [len(page["results"]) for page in pages] == [2, 2, 1, 0]
    assert [(page["hasPreviousPage"], page["hasNextPage"]) for page in pages] == [(False, True), (True, True), (True, False), (True, False)]
    assert sorted(found["id"] for page in pages for found in page["results"]) == sorted(added)


@pytest.mark.parametrize(("changes", "code"), [
    ({"state": ...}, 1000), ({"postalCode": ...}, 1000), ({"state": "XX"}, 1004), ({"postalCode": "1234"}, 1004),
    ({"countryCode": "USA"}, 1004), ({"street1": "x" * 101}, 1002), ({"addressType": ...}, 1000),
], ids=str)
def test_addresses_in_the_united_states(partner: Partner, customer: dict, changes: dict, code: int) -> None:
    assert partner.api.post(f"{CUSTOMERS}/{customer['id']}/addresses", samples.address(changes)).error() == code


def test_addresses_elsewhere_need_neither_state_nor_postal_code(partner: Partner, customer: dict) -> None:
    body = samples.address({"countryCode": "IE", "state": ..., "postalCode": ..., "classification": ...})
    assert partner.api.post(f"{CUSTOMERS}/{customer['id']}/addresses", body).expect(200)["countryCode"] == "IE"


def test_an_identification_cannot_expire_before_it_was_issued(partner: Partner, customer: dict) -> None:
    body = samples.identification({"issuedDate": "2020-01-01", "expDate": "2019-12-31"})
    assert partner.api.post(f"{CUSTOMERS}/{customer['id']}/identifications", body).error() == 1004


def test_an_identification_sent_as_shown_keeps_its_number(partner: Partner, customer: dict) -> None:
    base = f"{CUSTOMERS}/{customer['id']}/identifications"
    body = samples.identification()
    added = partner.api.post(base, body).expect(200)
    assert added["idNumber"].startswith("*")
    partner.api.put(f"{base}/{added['id']}", {name: value for name, value in added.items() if name != "id"}).expect(200)
    assert partner.unmasked.get(f"{base}/{added['id']}").expect(200)["idNumber"] == body["idNumber"]


# ---- beneficial owners


@pytest.fixture
def company(partner: Partner) -> dict:
    return partner.onboard(samples.company(partner.id))


def test_an_owner_is_added_read_changed_and_removed(partner: Partner, company: dict) -> None:
    person = partner.onboard()
    base = f"{CUSTOMERS}/{company['id']}/beneficial-owners"
    # The contract's samples have the percentage as text in one place and as a number in another.
    added = partner.api.post(base, {"ownerCustomerId": person["id"], "ownerTitle": "CEO", "ownershipPercentage": "26"}).expect(200)
    same({"id": UUID, "ownerCustomerId": person["id"], "ownerTitle": "CEO", "ownershipPercentage": 26}, added, "the owner")
    one = f"{base}/{added['id']}"
    assert partner.api.get(one).expect(200) == added
    assert partner.api.get(base).expect(200)["results"] == [added]
    changed = partner.api.put(one, {"ownerTitle": "President", "ownershipPercentage": 90}).expect(200)
    assert changed == {**added, "ownerTitle": "President", "ownershipPercentage": 90}
    assert partner.api.put(one, {"ownerCustomerId": samples.unknown_id(), "ownershipPercentage": 90}).error() == 1009
    assert partner.api.delete(one).expect(200) == changed
    assert partner.api.get(base).expect(200)["results"] == []


def test_owners_of_a_company_share_at_most_all_of_it(partner: Partner, company: dict) -> None:
    base = f"{CUSTOMERS}/{company['id']}/beneficial-owners"
    people = [partner.onboard()["id"] for _ in range(3)]
    first = partner.api.post(base, {"ownerCustomerId": people[0], "ownershipPercentage": 60}).expect(200)
    assert partner.api.post(base, {"ownerCustomerId": people[1], "ownershipPercentage": 40.01}).error() == 2000
    partner.api.post(base, {"ownerCustomerId": people[1], "ownershipPercentage": 39.5}).expect(200)
    assert partner.api.post(base, {"ownerCustomerId": people[2], "ownershipPercentage": 1}).error() == 2000
    assert partner.api.put(f"{base}/{first['id']}", {"ownershipPercentage": 61}).error() == 2000
    partner.api.put(f"{base}/{first['id']}", {"ownershipPercentage": 60.5}).expect(200)
    assert partner.api.post(base, {"ownerCustomerId": people[0], "ownershipPercentage": 0.5}).error() in (2000, 2003)


def test_owners_who_come_at_once_share_at_most_all_of_it_too(partner: Partner, company: dict) -> None:
    base = f"{CUSTOMERS}/{company['id']}/beneficial-owners"
    people = [partner.onboard()["id"] for _ in range(5)]

    def add(person: str) -> int:
        return retried(lambda: partner.api.post(base, {"ownerCustomerId": person, "ownershipPercentage": 40}))

    with ThreadPoolExecutor(max_workers=5) as pool:
        statuses = list(pool.map(add, people))
    assert sorted(statuses) == [200, 200, 400, 400, 400]
    assert sum(found["ownershipPercentage"] for found in partner.api.get(base).expect(200)["results"]) == 80


def test_a_customer_has_at_most_fifty_of_a_kind(partner: Partner, customer: dict) -> None:
    base = f"{CUSTOMERS}/{customer['id']}/phones"
    for _ in range(50):
        partner.api.post(base, samples.phone({"isPrimary": ...})).expect(200)
    assert partner.api.post(base, samples.phone()).error() == 2000
    page = partner.api.get(base, {"pageSize": 50}).expect(200)
    assert (len(page["results"]), page["hasNextPage"]) == (50, False)


def test_who_can_own_and_be_owned(partner: Partner, company: dict) -> None:
    person, other = partner.onboard(), partner.onboard(samples.company(partner.id))
    base = f"{CUSTOMERS}/{company['id']}/beneficial-owners"
    partner.api.post(base, {"ownerCustomerId": person["id"], "ownershipPercentage": 30}).expect(200)
    assert partner.api.post(base, {"ownerCustomerId": person["id"], "ownershipPercentage": 30}).error() == 2003
    assert partner.api.post(base, {"ownerCustomerId": other["id"], "ownershipPercentage": 30}).error() == 1010
    assert partner.api.post(base, {"ownerCustomerId": samples.unknown_id(), "ownershipPercentage": 30}).error() == 1010
    mine = f"{CUSTOMERS}/{person['id']}/beneficial-owners"
    assert partner.api.post(mine, {"ownerCustomerId": person["id"], "ownershipPercentage": 30}).error() == 2000
    answer = partner.api.post(base, {"ownershipPercentage": 101, "ownerTitle": 5})
    assert {message.split(" ")[0] for _, message in answer.errors()} == {"ownerCustomerId", "ownershipPercentage", "ownerTitle"}


# ---- events of all of them


def test_every_change_is_an_event(bundle: Bundle, partner: Partner, customer: dict) -> None:
    """By the outbox; that events reach receivers is tested with the webhooks."""
    for kind in KINDS:
        base = f"{CUSTOMERS}/{customer['id']}/{kind.path}"
        added = partner.api.post(base, kind.body()).expect(200)
        partner.api.put(f"{base}/{added['id']}", kind.body()).expect(200)
        partner.api.delete(f"{base}/{added['id']}").expect(200)
    events = [repr(item) for item in bundle.items(partner.id, customer["id"], "EVENT#")]
    for change in ("ContactAdded", "ContactChanged", "ContactRemoved"):
        assert sum(change in event for event in events) == len(KINDS), change
