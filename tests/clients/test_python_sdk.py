"""The Straddle contract, told with the official Python SDK as it is published."""

import datetime as dt
import math
import uuid

import pytest
import straddle
from people import CROWD, Crowd, sdk, somebody
from support import samples
from support.bundle import Bundle, Partner
from support.receiver import Receiver
from support.waiting import wait_for


@pytest.fixture(scope="module")
def client(bundle: Bundle, partner: Partner) -> straddle.StraddleAPI:
    return sdk(bundle, partner)


def replacement(made, **changes) -> dict:
    """The update request that leaves a customer as it is."""
    return {
        "id": made.id, "name": made.name, "email": made.email, "phone": made.phone, "external_id": made.external_id,
        "device": {"ip_address": "203.0.113.9"}, "status": made.status, **changes,
    }


# ---- create, read, update


def test_create_answers_the_customer_with_its_final_status(client: straddle.StraddleAPI) -> None:
    sent = somebody(
        address={"address1": "9 Elm St", "address2": None, "city": "Reno", "state": "NV", "zip": "89501"},
        compliance_profile={"ssn": samples.private("219-09-4417"), "dob": samples.private("1988-02-14")},
        external_id="u-1001",
        metadata={"plan": "pro"},
    )
    answer = client.customers.create(**sent)
    assert answer.response_type == "object"
    assert uuid.UUID(answer.meta.api_request_id) and answer.meta.api_request_timestamp
    made = answer.data
    assert (made.name, made.email, made.phone, made.type) == (sent["name"], sent["email"], sent["phone"], "individual")
    assert (made.status, made.external_id, made.metadata) == ("verified", "u-1001", {"plan": "pro"})
    assert (made.compliance_profile.ssn, made.compliance_profile.dob) == ("***-**-****", "****-**-**")
    assert made.device.ip_address == "**.**.**.**"
    assert made.address.zip == "89501" and made.address.address2 is None
    assert made.config.processing_method == "inline"
    assert client.customers.retrieve(id=made.id).data == made


def test_a_company_is_taken_on_with_its_representatives(client: straddle.StraddleAPI) -> None:
    profile = {
        "ein": samples.private("12-3456789"), "legal_business_name": f"{samples.word()} Works LLC", "website": "https://example.com",
        "representatives": [{"name": f"{samples.word()} {samples.word()}", "email": samples.email_address(), "phone": "+12015550123"}],
    }
    made = client.customers.create(**somebody(type="business", compliance_profile=profile)).data
    shown = made.compliance_profile.to_dict()
    assert shown == {**profile, "ein": "**-*******"}


@pytest.mark.parametrize("outcome", ["verified", "review", "rejected"])
def test_the_sandbox_ends_as_it_is_told(client: straddle.StraddleAPI, outcome: str) -> None:
    made = client.customers.create(**somebody(config={"sandbox_outcome": outcome})).data
    assert made.status == outcome
    review = client.customers.review.list(id=made.id).data
    assert review.identity_details.decision == {"verified": "accept", "review": "review", "rejected": "reject"}[outcome]


def test_the_background_finishes_what_create_left_pending(client: straddle.StraddleAPI) -> None:
    made = client.customers.create(**somebody(config={"processing_method": "background", "sandbox_outcome": "verified"})).data
    assert made.status == "pending"
    ended = wait_for("the background's verdict", lambda: (seen := client.customers.retrieve(id=made.id).data).status != "pending" and seen)
    assert ended.status == "verified"


def test_an_update_replaces_the_customer(client: straddle.StraddleAPI) -> None:
    made = client.customers.create(**somebody(metadata={"plan": "pro"}, external_id="before")).data
    renamed = f"{samples.word()} {samples.word()}"
    changed = client.customers.update(**replacement(made, name=renamed, external_id="after", metadata={"tier": "2"})).data
    assert (changed.id, changed.name, changed.external_id, changed.metadata) == (made.id, renamed, "after", {"tier": "2"})
    assert changed.created_at == made.created_at and changed.updated_at >= made.updated_at
    left = client.customers.update(**{**replacement(changed), "external_id": None}).data
    assert (left.external_id, left.metadata) == (None, None), "what is not sent is gone"


# ---- review


def test_the_review_says_what_it_looked_at(client: straddle.StraddleAPI) -> None:
    # No such number was ever issued: the one thing about it that can be known without an identity provider.
    profile = {"ssn": samples.private("000-12-3456"), "dob": samples.private("1988-02-14")}
    made = client.customers.create(**somebody(compliance_profile=profile, config={"sandbox_outcome": "standard"})).data
    review = client.customers.review.list(id=made.id).data
    assert review.customer_details == made
    details = review.identity_details
    assert uuid.UUID(details.review_id) and details.updated_at >= details.created_at
    for module in (details.breakdown.email, details.breakdown.phone, details.breakdown.fraud, details.breakdown.synthetic):
        assert module.decision in ("accept", "review", "reject")
    assert details.kyc.decision in ("review", "reject")
    assert details.kyc.validations.ssn is False and details.kyc.validations.first_name is None
    assert details.watch_list is not None and details.reputation is not None and details.network_alerts is not None
    modules = [*details.breakdown.to_dict().values(), details.kyc.to_dict(), details.watch_list.to_dict(), details.reputation.to_dict()]
    emitted = {code for module in modules if module for code in module.get("codes") or []}
    assert emitted and emitted <= set(details.messages), "every code has its text"
    without = client.customers.create(**somebody()).data
    assert client.customers.review.list(id=without.id).data.identity_details.kyc is None


def test_a_decision_is_made_once_and_only_in_review(client: straddle.StraddleAPI) -> None:
    made = client.customers.create(**somebody(config={"sandbox_outcome": "review"})).data
    first = client.customers.review.list(id=made.id).data.identity_details
    decided = client.customers.review.set_verification_decision(id=made.id, status="rejected").data
    assert (decided.id, decided.status) == (made.id, "rejected")
    assert client.customers.retrieve(id=made.id).data.status == "rejected"
    assert first.decision == "review"
    with pytest.raises(straddle.UnprocessableEntityError) as refused:
        client.customers.review.set_verification_decision(id=made.id, status="verified")
    assert not refused.value.body["error"].get("items")
    assert refused.value.body["error"]["detail"]


def test_a_refresh_is_accepted_and_makes_another_review(client: straddle.StraddleAPI) -> None:
    made = client.customers.create(**somebody()).data
    first = client.customers.review.list(id=made.id).data.identity_details.review_id
    answer = client.customers.with_raw_response.refresh_review(id=made.id)
    assert answer.http_response.status_code == 202
    assert answer.parse().data.id == made.id

    def refreshed():
        details = client.customers.review.list(id=made.id).data
        return details if details.identity_details.review_id != first and details.customer_details.status != "pending" else None

    assert wait_for("the refreshed review", refreshed).customer_details.status == "verified"


# ---- secrets


def test_secrets_are_shown_to_who_may_see_them(bundle: Bundle, partner: Partner, client: straddle.StraddleAPI) -> None:
    profile = {"ssn": samples.private("219-09-4417"), "dob": samples.private("1988-02-14")}
    made = client.customers.create(**somebody(compliance_profile=profile)).data
    clear = sdk(bundle, partner, None).customers.list_unmasked(id=made.id).data
    assert (clear.compliance_profile.ssn, str(clear.compliance_profile.dob)) == (profile["ssn"], profile["dob"])
    assert clear.device.ip_address == "203.0.113.9"
    with pytest.raises(straddle.PermissionDeniedError) as refused:
        client.customers.list_unmasked(id=made.id)
    assert refused.value.body["response_type"] == "error" and refused.value.body["error"]["status"] == 403


# ---- delete


def test_a_deleted_customer_is_gone_and_its_address_is_free(client: straddle.StraddleAPI) -> None:
    sent = somebody()
    made = client.customers.create(**sent).data
    assert client.customers.delete(id=made.id).data.id == made.id
    for gone in (
        lambda: client.customers.retrieve(id=made.id),
        lambda: client.customers.delete(id=made.id),
        lambda: client.customers.review.list(id=made.id),
        lambda: client.customers.update(**replacement(made)),
    ):
        with pytest.raises(straddle.NotFoundError):
            gone()
    assert client.customers.create(**sent).data.id != made.id


# ---- errors


def test_an_e_mail_address_is_taken_once_in_an_account(client: straddle.StraddleAPI) -> None:
    sent = somebody()
    client.customers.create(**sent)
    with pytest.raises(straddle.UnprocessableEntityError) as refused:
        client.customers.create(**somebody(email=sent["email"]))
    error = refused.value.body["error"]
    assert (error["status"], error["type"], error["title"]) == (422, "/validation_error", "Validation Failed")
    assert not error.get("items") and "unique" in error["detail"]
    account = str(uuid.uuid4())
    assert client.customers.create(**sent, straddle_account_id=account).data.email == sent["email"], "another account has its own"
    other = client.customers.create(**somebody()).data
    with pytest.raises(straddle.UnprocessableEntityError):
        client.customers.update(**replacement(other, email=sent["email"]))


def test_each_error_has_the_class_that_the_sdk_gives_it(bundle: Bundle, partner: Partner, stranger: Partner, client: straddle.StraddleAPI) -> None:
    made = client.customers.create(**somebody()).data
    with pytest.raises(straddle.UnprocessableEntityError) as wrong:
        client.customers.create(**somebody(phone="12", device={"ip_address": "nowhere"}))
    assert {item["reference"] for item in wrong.value.body["error"]["items"]} >= {"phone"}
    with pytest.raises(straddle.BadRequestError) as short:
        client.customers.create(**somebody(), idempotency_key="short")
    assert short.value.body["error"]["type"] == "/bad_request" and len(short.value.body["error"]["items"]) == 1
    unknown = straddle.StraddleAPI(base_url=bundle.base_url, bearer="sk_nobody", max_retries=0)
    with pytest.raises(straddle.AuthenticationError):
        unknown.customers.retrieve(id=made.id)
    with pytest.raises(straddle.PermissionDeniedError):
        sdk(bundle, partner, "customers:read").customers.create(**somebody())
    for missing in (str(uuid.uuid4()), "not-an-id"):
        with pytest.raises((straddle.NotFoundError, straddle.UnprocessableEntityError)):
            client.customers.retrieve(id=missing)
    with pytest.raises(straddle.NotFoundError) as other:
        sdk(bundle, stranger).customers.retrieve(id=made.id)
    assert other.value.body["error"]["type"] == "/not_found"


def test_an_account_sees_its_own_customers(client: straddle.StraddleAPI) -> None:
    mine, other = str(uuid.uuid4()), str(uuid.uuid4())
    made = client.customers.create(**somebody(), straddle_account_id=mine).data
    assert client.customers.retrieve(id=made.id, straddle_account_id=mine).data.id == made.id
    assert [row.id for row in client.customers.list(straddle_account_id=mine).data] == [made.id]
    assert client.customers.list(straddle_account_id=other).data == []
    with pytest.raises(straddle.NotFoundError):
        client.customers.retrieve(id=made.id, straddle_account_id=other)


# ---- idempotency


def test_a_repeated_create_is_one(client: straddle.StraddleAPI) -> None:
    sent, key = somebody(), uuid.uuid4().hex
    first = client.customers.with_raw_response.create(**sent, idempotency_key=key)
    again = client.customers.with_raw_response.create(**sent, idempotency_key=key)
    assert again.http_response.status_code == 201 and again.http_response.content == first.http_response.content
    assert again.headers.get("Idempotent-Replayed") == "true" and "Idempotent-Replayed" not in first.headers
    with pytest.raises(straddle.ConflictError) as reused:
        client.customers.create(**somebody(), idempotency_key=key)
    assert reused.value.response.headers["x-should-retry"] == "false", "the SDK must not retry it"


# ---- lists


def listed(crowd_client: straddle.StraddleAPI, **query) -> list:
    """Every row, page by page, with what each page says of itself."""
    size, rows = query.setdefault("page_size", 100), []
    for number in range(1, 100):
        page = crowd_client.customers.list(page_number=number, **query)
        assert (page.meta.page_number, page.meta.page_size, page.meta.max_page_size) == (number, size, 1000)
        assert page.meta.total_pages == math.ceil(page.meta.total_items / size)
        if not page.data:
            assert len(rows) == page.meta.total_items
            return rows
        rows += page.data
    raise AssertionError("no page was empty")


@pytest.fixture(scope="module")
def crowd_client(bundle: Bundle, crowd: Crowd) -> straddle.StraddleAPI:
    return sdk(bundle, crowd.partner)


def test_paging_shows_everybody_once(crowd: Crowd, crowd_client: straddle.StraddleAPI) -> None:
    for size in (100, 60):
        rows = listed(crowd_client, page_size=size)
        assert len(rows) == CROWD and {row.id for row in rows} == crowd.ids()
        assert [row.name for row in rows] == sorted(row.name for row in rows), "by name, ascending, when nothing is said"
    row = rows[7]
    known = next(member for member in crowd.members if member.id == row.id)
    assert (row.email, row.phone, row.external_id, row.type, row.status) == (known.email, known.phone, known.external_id, known.type, known.status)


@pytest.mark.parametrize("sort_by", ["name", "created_at"])
@pytest.mark.parametrize("sort_order", ["asc", "desc"])
def test_every_order(crowd_client: straddle.StraddleAPI, sort_by: str, sort_order: str) -> None:
    rows = listed(crowd_client, sort_by=sort_by, sort_order=sort_order)
    # Times are sorted to the millisecond and shown finer.
    shown = [row.name if sort_by == "name" else row.created_at.timestamp() * 1000 // 1 for row in rows]
    assert shown == sorted(shown, reverse=sort_order == "desc") and len(rows) == CROWD


@pytest.mark.parametrize("status", [["verified"], ["review", "rejected"], ["pending"], ["inactive"]])
def test_the_status_filter_takes_several(crowd: Crowd, crowd_client: straddle.StraddleAPI, status: list) -> None:
    assert {row.id for row in listed(crowd_client, status=status)} == crowd.ids(lambda member: member.status in status)


@pytest.mark.parametrize("types", [["business"], ["individual"], ["individual", "business"]])
def test_the_type_filter_takes_several(crowd: Crowd, crowd_client: straddle.StraddleAPI, types: list) -> None:
    assert {row.id for row in listed(crowd_client, types=types)} == crowd.ids(lambda member: member.type in types)


def test_part_of_a_name_finds(crowd: Crowd, crowd_client: straddle.StraddleAPI) -> None:
    for part in ("Blixb", "lixc", "blixd"):
        assert {row.id for row in listed(crowd_client, name=part)} == crowd.ids(lambda member: part.lower() in member.name.lower()), part


def test_exact_filters_and_the_free_search_find_one(crowd: Crowd, crowd_client: straddle.StraddleAPI) -> None:
    one = crowd.members[123]
    for query in ({"external_id": one.external_id}, {"email": one.email}, {"search_text": one.email}, {"search_text": one.external_id},
                  {"search_text": one.phone}, {"search_text": one.name}):
        assert [row.id for row in listed(crowd_client, **query)] == [one.id], list(query)
    assert listed(crowd_client, external_id="crowd-none") == []


def test_times_bound_the_list(crowd: Crowd, crowd_client: straddle.StraddleAPI) -> None:
    times = sorted(member.created_at for member in crowd.members)
    low, high = times[50], times[200]
    rows = listed(crowd_client, created_from=low, created_to=high, sort_by="created_at")
    slack = dt.timedelta(milliseconds=1)
    assert {row.id for row in rows} >= crowd.ids(lambda member: low + slack <= member.created_at <= high - slack)
    assert {row.id for row in rows} <= crowd.ids(lambda member: low - slack <= member.created_at <= high + slack)


def test_filters_are_joined(crowd: Crowd, crowd_client: straddle.StraddleAPI) -> None:
    rows = listed(crowd_client, status=["verified"], types=["business"], name="Blixb", page_size=2)
    assert {row.id for row in rows} == crowd.ids(
        lambda member: member.status == "verified" and member.type == "business" and "Blixb" in member.name)
    assert rows


# ---- webhooks


def test_a_webhook_is_unwrapped(partner: Partner, receiver: Receiver, client: straddle.StraddleAPI) -> None:
    endpoint = receiver.endpoint()
    registered = partner.register("customer.event.v1", endpoint.url)
    secret = samples.private(registered["signingSecret"])
    made = client.customers.create(**somebody(metadata={"plan": "pro"})).data
    [delivery] = endpoint.wait_for_deliveries(1)[:1]
    event = client.webhooks.unwrap(delivery.raw.decode(), headers=delivery.headers, key=secret)
    assert (event.event_type, event.account_id) == ("customer.event.v1", partner.id)
    assert (event.data.id, event.data.email, event.data.status) == (made.id, made.email, "verified")
    assert event.data.metadata == {"plan": "pro"} and event.data.device.ip_address == "**.**.**.**"
    with pytest.raises(Exception, match="(?i)signature"):
        client.webhooks.unwrap(delivery.raw.decode().replace("verified", "rejected"), headers=delivery.headers, key=secret)
    partner.api.delete(f"/webhooks/v1/registrations/{registered['id']}").expect(200)
