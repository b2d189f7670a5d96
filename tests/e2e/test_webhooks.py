"""The webhook APIs: registrations and events, Push and Poll, Basic and Extended, ping, resend, acknowledge."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import samples
from support.bundle import CUSTOMERS, EVENTS, REGISTRATIONS, Bundle, Partner
from support.receiver import Receiver, basic
from support.shape import TIME, UUID, same
from support.waiting import stays, wait_for

NAMES = [
    "Core.Customer.Onboarded", "Core.Customer.Profile.Changed", "Core.Customer.Name.Changed",
    "Core.Customer.Address.Added", "Core.Customer.Address.Changed", "Core.Customer.Address.Removed",
    "Core.Customer.Phone.Added", "Core.Customer.Phone.Changed", "Core.Customer.Phone.Removed",
    "Core.Customer.Identification.Added", "Core.Customer.Identification.Changed", "Core.Customer.Identification.Removed",
    "Core.Customer.Email.Added", "Core.Customer.Email.Changed", "Core.Customer.Email.Removed",
    "Core.Customer.Ofac.Changed", "Core.Customer.PepScan.Changed",
]
# The contract names it; the operation that causes it is the bank's own and not part of this product yet.
NEVER_CAUSED = ["Core.Customer.CifNumber.Changed"]


@pytest.fixture
def clean(partner: Partner) -> Iterator[Partner]:
    """A partner without registrations, and none are left behind."""

    def remove_all() -> None:
        for found in partner.api.get(REGISTRATIONS).expect(200)["results"]:
            partner.api.delete(f"{REGISTRATIONS}/{found['id']}").expect(200)

    remove_all()
    yield partner
    remove_all()


# ---- registrations


def test_a_registration_is_made_read_listed_changed_and_removed(clean: Partner, receiver: Receiver) -> None:
    url = receiver.endpoint().url
    body = samples.registration(clean.id, "Core.Customer.Onboarded", url)
    made = clean.api.post(REGISTRATIONS, body).expect(200)
    same({
        "id": UUID, "partnerId": clean.id, "eventName": "Core.Customer.Onboarded", "type": "Push", "callbackUrl": url,
        "format": "Basic", "status": "Active", "createdAt": TIME, "lastModifiedAt": TIME,
    }, made, "the registration")
    one = f"{REGISTRATIONS}/{made['id']}"
    assert clean.api.get(one).expect(200) == made
    page = clean.api.get(REGISTRATIONS).expect(200)
    assert page["results"] == [made]
    assert (page["pageNumber"], page["hasPreviousPage"], page["hasNextPage"]) == (1, False, False)
    other = receiver.endpoint().url
    changed = clean.api.put(one, {**body, "callbackUrl": other, "format": "Extended", "eventName": "Core.Customer.Name.Changed"}).expect(200)
    assert changed == {**made, "callbackUrl": other, "format": "Extended", "eventName": "Core.Customer.Name.Changed",
                       "lastModifiedAt": changed["lastModifiedAt"]}
    assert clean.api.get(one).expect(200) == changed
    assert clean.api.delete(one).expect(200)["id"] == made["id"]
    for gone in (clean.api.get(one), clean.api.delete(one), clean.api.put(one, body), clean.api.put(f"{one}/ping"), clean.api.put(f"{one}/restart")):
        assert gone.error(404) == 2001, gone.request
    assert clean.api.get(REGISTRATIONS).expect(200)["results"] == []


def test_type_and_its_alias_mean_the_same(clean: Partner, receiver: Receiver) -> None:
    url = receiver.endpoint().url
    base = {"partnerId": clean.id, "callbackUrl": url}
    for name, extra in (("Onboarded", {}), ("Name.Changed", {"type": "Push"}), ("Profile.Changed", {"registrationType": "Push"}),
                        ("Phone.Added", {"type": "Push", "registrationType": "Push"})):
        assert clean.api.post(REGISTRATIONS, {**base, "eventName": f"Core.Customer.{name}", **extra}).expect(200)["type"] == "Push"
    poll = {"partnerId": clean.id, "eventName": "Core.Customer.Email.Added"}
    assert clean.api.post(REGISTRATIONS, {**poll, "registrationType": "Poll"}).expect(200)["type"] == "Poll"
    assert clean.api.post(REGISTRATIONS, {**poll, "eventName": "Core.Customer.Email.Removed", "type": "Poll", "registrationType": "Push"}).error() == 1009


def test_one_registration_per_event_type(clean: Partner, stranger: Partner, receiver: Receiver) -> None:
    url = receiver.endpoint().url
    body = samples.registration(clean.id, "Core.Customer.Onboarded", url)
    made = clean.api.post(REGISTRATIONS, body).expect(200)
    assert clean.api.post(REGISTRATIONS, body).error() == 2003
    assert clean.api.post(REGISTRATIONS, {**body, "registrationType": "Poll", "callbackUrl": None}).error() == 2003
    other = clean.api.post(REGISTRATIONS, {**body, "eventName": "Core.Customer.Name.Changed"}).expect(200)
    assert clean.api.put(f"{REGISTRATIONS}/{other['id']}", body).error() == 2003, "nor by renaming another one"
    clean.api.delete(f"{REGISTRATIONS}/{made['id']}").expect(200)
    clean.api.post(REGISTRATIONS, body).expect(200)
    # Another partner's registrations are of no concern.
    theirs = stranger.api.post(REGISTRATIONS, samples.registration(stranger.id, "Core.Customer.Onboarded", url)).expect(200)
    stranger.api.delete(f"{REGISTRATIONS}/{theirs['id']}").expect(200)


def test_of_many_registrations_at_once_one_is_made(clean: Partner, receiver: Receiver) -> None:
    body = samples.registration(clean.id, "Core.Customer.Onboarded", receiver.endpoint().url)
    with ThreadPoolExecutor(max_workers=6) as pool:
        answers = list(pool.map(lambda _: clean.api.post(REGISTRATIONS, body), range(6)))
    assert [answer.status for answer in answers].count(200) == 1
    assert {answer.codes(answer.status)[0] for answer in answers if answer.status != 200} <= {2003, 2002}
    assert len(clean.api.get(REGISTRATIONS).expect(200)["results"]) == 1


def test_every_event_name_of_the_contract_can_be_registered_and_no_other(clean: Partner, receiver: Receiver) -> None:
    url = receiver.endpoint().url
    for name in NAMES + NEVER_CAUSED:
        clean.register(name, url)
    for name in ("Core.Customer.Deleted", "core.customer.onboarded", "*", "Core.Account.Opened"):
        assert clean.api.post(REGISTRATIONS, samples.registration(clean.id, name, url)).error() == 1005, name


def test_every_wrong_field_of_a_registration_is_reported_at_once(clean: Partner) -> None:
    wrong = {"partnerId": "x", "eventName": "y", "type": "Pull", "callbackUrl": "ftp://example.com", "format": "Long",
             "authUsername": "a:b", "authPassword": "x" * 256}
    answer = clean.api.post(REGISTRATIONS, wrong)
    assert {message.split(" ")[0] for _, message in answer.errors()} == set(wrong)
    answer = clean.api.post(REGISTRATIONS, {})
    assert {message.split(" ")[0] for _, message in answer.errors()} == {"partnerId", "eventName", "callbackUrl"}
    assert set(answer.codes()) == {1000}
    only_user = samples.registration(clean.id, "Core.Customer.Onboarded", "https://hooks.example.com/x", {"authUsername": "u"})
    assert clean.api.post(REGISTRATIONS, only_user).errors()[0][1].startswith("authPassword")
    poll = samples.registration(clean.id, "Core.Customer.Onboarded", None, {"callbackUrl": "https://hooks.example.com/x"})
    assert clean.api.post(REGISTRATIONS, poll).error() == 1009


@pytest.mark.parametrize("url", [
    "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://169.254.169.254/latest/meta-data",
    "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[fd00::1]/", "https://100.64.0.1/", "https://0.0.0.0/", "https://0x7f.1/",
    "https://2130706433/", "https://user:pass@hooks.example.com/", "https://hooks.example.com:0/", "https://hooks.example.com/#x",
    "https://hooks.example.com\\@10.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "//hooks.example.com/", "hooks.example.com", "https://",
    "https://" + "a" * 2050 + ".example.com/",
])
def test_a_url_that_must_not_be_called_is_refused(clean: Partner, url: str) -> None:
    answer = clean.api.post(REGISTRATIONS, samples.registration(clean.id, "Core.Customer.Onboarded", url))
    assert answer.error() in (1002, 1004), answer.text
    assert "callbackUrl" in answer.text


def test_with_the_settings_of_a_real_deployment_only_public_https_is_taken(bundle: Bundle, clean: Partner, receiver: Receiver) -> None:
    """Locally the loopback network is allowed, and plain HTTP for it; nothing of that is built in."""
    with bundle.configured("webhook-registrations", CALLBACK_ALLOWED_NETWORKS=""):
        for url in (receiver.endpoint().url, "https://127.0.0.1/", "https://localhost/", "https://intranet/", "http://hooks.example.com/x"):
            assert clean.api.post(REGISTRATIONS, samples.registration(clean.id, "Core.Customer.Onboarded", url)).error() == 1004, url
        clean.register("Core.Customer.Onboarded", "https://hooks.example.com/x")


def test_what_was_registered_under_other_rules_is_not_called(bundle: Bundle, clean: Partner, receiver: Receiver) -> None:
    """The registration is put under the rules and not the rules over it: under stricter ones the deliveries of every other
    test would be given up as well."""
    endpoint = receiver.endpoint()
    registration = clean.register("Core.Customer.Onboarded", endpoint.url)
    # Outside the network that is allowed here, and yet it reaches the receiver.
    bundle.webhook_table.update_item(
        Key={"pk": f"P#{clean.id}#R", "sk": registration["id"]},
        UpdateExpression="SET callbackUrl = :url",
        ConditionExpression="attribute_exists(callbackUrl)",
        ExpressionAttributeValues={":url": endpoint.url.replace("127.0.0.1", "0.0.0.0")},
    )
    ping = clean.api.put(f"{REGISTRATIONS}/{registration['id']}/ping").expect(200)
    event = wait_for("the ping is given up", lambda: (seen := clean.event(ping["id"]))["status"] == "Failed" and seen)
    assert event["attempts"][0]["error"] == "forbidden-address"
    assert endpoint.deliveries == []


def test_registrations_are_filtered_and_paged(clean: Partner, receiver: Receiver) -> None:
    url = receiver.endpoint().url
    for name in NAMES[:5]:
        clean.register(name, url)
    clean.register(NAMES[5], None)
    other = clean.register(NAMES[6], receiver.endpoint().url)

    def names(**query) -> list[str]:
        return [found["eventName"] for found in clean.api.get(REGISTRATIONS, query).expect(200)["results"]]

    assert names(eventName=NAMES[2]) == [NAMES[2]]
    assert names(type="Poll") == [NAMES[5]]
    assert names(registrationType="Poll") == [NAMES[5]]
    assert names(callbackUrl=other["callbackUrl"]) == [NAMES[6]]
    assert names(status="Suspended") == []
    assert len(names(status="Active")) == 7
    assert len(names(partnerId=clean.id)) == 7
    pages = [names(pageSize=3, pageNumber=number) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert len({name for page in pages for name in page}) == 7
    answer = clean.api.get(REGISTRATIONS, {"eventName": "x", "type": "x", "status": "x", "pageSize": "0"})
    assert len(answer.errors()) == 4


def test_credentials_are_used_and_never_shown(bundle: Bundle, clean: Partner, receiver: Receiver) -> None:
    password = samples.private(f"pass wörd {samples.digits(12)}")
    endpoint = receiver.endpoint(basic("hook-user", password))
    body = samples.registration(clean.id, "Core.Customer.Onboarded", endpoint.url, {"authUsername": "hook-user", "authPassword": password})
    made = clean.api.post(REGISTRATIONS, body)
    answers = [made, clean.api.get(f"{REGISTRATIONS}/{made.expect(200)['id']}"), clean.api.get(REGISTRATIONS)]
    ping = clean.api.put(f"{REGISTRATIONS}/{made.json()['id']}/ping")
    wait_for("the ping is taken", lambda: clean.event(ping.expect(200)["id"])["status"] == "Success")
    stored = bundle.webhook_table.scan()["Items"]
    for text in (*(answer.text for answer in [*answers, ping]), repr(stored)):
        assert password not in text
        assert "hook-user" not in text
    # Without credentials in an update there are none afterwards, so that a new URL is never sent the old ones.
    clean.api.put(f"{REGISTRATIONS}/{made.json()['id']}", samples.registration(clean.id, "Core.Customer.Onboarded", endpoint.url)).expect(200)
    ping = clean.api.put(f"{REGISTRATIONS}/{made.json()['id']}/ping").expect(200)
    failed = wait_for("the ping is refused", lambda: (seen := clean.event(ping["id"]))["status"] == "Failed" and seen)
    assert failed["attempts"][0]["statusCode"] == 401
    assert "authorization" not in endpoint.deliveries[-1].headers


# ---- events


def test_every_documented_event_arrives_with_its_resource(clean: Partner, receiver: Receiver) -> None:
    basic_one, extended = receiver.endpoint(), receiver.endpoint()
    for number, name in enumerate(NAMES):
        if number % 2:
            clean.register(name, extended.url, format="Extended")
        else:
            clean.register(name, basic_one.url)
    own = f"crm-{samples.digits(9)}"
    made = clean.onboard(samples.person(clean.id, {"clientIdentifier": own}))
    clean.screened(made["id"])
    path, resource = f"{CUSTOMERS}/{made['id']}", f"core/v1/cm/customers/{made['id']}"
    expected: dict[str, tuple[str, dict]] = {
        "Core.Customer.Onboarded": (resource, {"customerId": made["id"], "clientIdentifier": own}),
        "Core.Customer.Ofac.Changed": (resource, {"customerId": made["id"]}),
        "Core.Customer.PepScan.Changed": (resource, {"customerId": made["id"]}),
        "Core.Customer.Profile.Changed": (resource, {"customerId": made["id"]}),
        "Core.Customer.Name.Changed": (resource, {"customerId": made["id"]}),
    }
    clean.api.put(f"{path}/profile", {"birthDate": made["profile"]["birthDate"], "riskRating": "High"}).expect(200)
    for kind, word, field, body in (("addresses", "Address", "addressId", samples.address), ("phones", "Phone", "phoneId", samples.phone),
                                    ("emails", "Email", "emailId", samples.email),
                                    ("identifications", "Identification", "identificationId", samples.identification)):
        added = clean.api.post(f"{path}/{kind}", body()).expect(200)["id"]
        clean.api.put(f"{path}/{kind}/{added}", body()).expect(200)
        clean.api.delete(f"{path}/{kind}/{added}").expect(200)
        for verb in ("Added", "Changed", "Removed"):
            expected[f"Core.Customer.{word}.{verb}"] = (f"{resource}/{kind}/{added}", {field: added, "customerId": made["id"]})
    clean.api.put(f"{path}/name", {"firstName": samples.word(), "lastName": samples.word()}).expect(200)
    assert set(expected) == set(NAMES)
    for number, name in enumerate(NAMES):
        endpoint = extended if number % 2 else basic_one
        event = endpoint.wait_for_events(1, made["id"], name)[0]
        where, detail = expected[name]
        same({
            "id": UUID, "eventName": name, "status": "Pending", "partnerId": clean.id, "createdAt": TIME,
            "resources": [where], "details": [detail] if number % 2 else [],
        }, event, name)
        delivery = next(d for d in endpoint.deliveries if d.event["id"] == event["id"])
        assert delivery.method == "POST"
        assert delivery.headers["content-type"].startswith("application/json")


def test_owners_and_deactivation_are_announced_as_well(clean: Partner, receiver: Receiver) -> None:
    """The contract says that both are events and not which; the names are ours."""
    endpoint = receiver.endpoint()
    names = [f"Core.Customer.BeneficialOwner.{verb}" for verb in ("Added", "Changed", "Removed")]
    for name in [*names, "Core.Customer.Profile.Changed"]:
        clean.register(name, endpoint.url, format="Extended")
    company, person = clean.onboard(samples.company(clean.id)), clean.onboard()
    base = f"{CUSTOMERS}/{company['id']}/beneficial-owners"
    owner = clean.api.post(base, {"ownerCustomerId": person["id"], "ownershipPercentage": 30}).expect(200)["id"]
    clean.api.put(f"{base}/{owner}", {"ownershipPercentage": 40}).expect(200)
    clean.api.delete(f"{base}/{owner}").expect(200)
    for name in names:
        event = endpoint.wait_for_events(1, company["id"], name)[0]
        assert event["resources"] == [f"core/v1/cm/customers/{company['id']}/beneficial-owners/{owner}"]
        assert owner in event["details"][0].values()
    for _ in range(2):
        clean.api.delete(f"{CUSTOMERS}/{person['id']}").expect(200)
    endpoint.wait_for_events(1, person["id"], "Core.Customer.Profile.Changed")
    stays("the deactivation's events", lambda: len(endpoint.events(person["id"])), 1, 0.5)


def test_only_subscribed_events_of_ones_own_customers_arrive(clean: Partner, stranger: Partner, receiver: Receiver) -> None:
    endpoint, theirs = receiver.endpoint(), receiver.endpoint()
    clean.register("Core.Customer.Onboarded", endpoint.url)
    registration = stranger.register("Core.Customer.Ofac.Changed", theirs.url)
    made = clean.onboard()
    endpoint.wait_for_events(1, made["id"])
    clean.screened(made["id"])
    strange = stranger.onboard()
    theirs.wait_for_events(1, strange["id"], "Core.Customer.Ofac.Changed")
    stays("the partner's deliveries", lambda: {event["eventName"] for event in endpoint.events()}, {"Core.Customer.Onboarded"}, 1.0)
    assert endpoint.events(strange["id"]) == []
    assert theirs.events(made["id"]) == []
    stranger.api.delete(f"{REGISTRATIONS}/{registration['id']}").expect(200)


def test_a_ping_says_that_it_is_one(clean: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint()
    registration = clean.register("Core.Customer.Onboarded", endpoint.url)
    ping = clean.api.put(f"{REGISTRATIONS}/{registration['id']}/ping").expect(200)
    [delivery] = endpoint.wait_for_deliveries(1)
    same({
        "id": ping["id"], "eventName": "Core.Customer.Onboarded", "status": "Pending", "partnerId": clean.id, "createdAt": TIME,
        "resources": [], "details": [], "isPing": True,
    }, delivery.event, "the ping")
    poll = clean.register("Core.Customer.Name.Changed", None)
    assert clean.api.put(f"{REGISTRATIONS}/{poll['id']}/ping").error() == 2005


def test_an_event_can_be_looked_up_listed_and_sent_again(clean: Partner, receiver: Receiver) -> None:
    endpoint = receiver.endpoint()
    registration = clean.register("Core.Customer.Onboarded", endpoint.url)
    made = [clean.onboard()["id"] for _ in range(3)]
    events = {customer: endpoint.wait_for_events(1, customer)[0]["id"] for customer in made}
    for event in events.values():
        wait_for("the delivery is recorded", lambda event=event: clean.event(event)["status"] == "Success")
    shown = clean.event(events[made[0]])
    assert shown["registrationId"] == registration["id"]
    assert [attempt["statusCode"] for attempt in shown["attempts"]] == [200]
    assert shown["resources"] == [f"core/v1/cm/customers/{made[0]}"]
    listed = clean.api.get(EVENTS, {"registrationId": registration["id"]}).expect(200)
    assert [event["id"] for event in listed["results"]] == sorted(events.values(), reverse=True), "newest first"
    pages = [clean.api.get(EVENTS, {"registrationId": registration["id"], "pageSize": 2, "pageNumber": n}).expect(200) for n in (1, 2)]
    assert [len(page["results"]) for page in pages] == [2, 1]
    assert [page["hasNextPage"] for page in pages] == [True, False]
    for query, count in (({"status": "Success"}, 3), ({"status": "Pending"}, 0), ({"eventName": "Core.Customer.Name.Changed"}, 0),
                         ({"toCreatedAt": "2020-01-01"}, 0), ({"fromCreatedAt": listed["results"][-1]["createdAt"]}, 3)):
        found = clean.api.get(EVENTS, {"registrationId": registration["id"], **query}).expect(200)["results"]
        assert len(found) == count, query
    assert len(clean.api.get(EVENTS, {"status": "x", "eventName": "x", "pageSize": "x", "fromCreatedAt": "x", "registrationId": "x"}).errors()) == 5
    again = clean.api.post(f"{EVENTS}/{events[made[0]]}/resend").expect(200)
    assert (again["id"], again["status"]) == (events[made[0]], "Pending")
    wait_for("it arrives once more", lambda: endpoint.ids().count(events[made[0]]) == 2)
    wait_for("it is recorded once more", lambda: len(clean.event(events[made[0]])["attempts"]) == 2)
    for event_id in (samples.unknown_id(), "x"):
        assert clean.api.get(f"{EVENTS}/{event_id}").error(404) == 2001
        assert clean.api.post(f"{EVENTS}/{event_id}/resend").error(404) == 2001
        assert clean.api.put(f"{EVENTS}/{event_id}/acknowledge").error(404) == 2001
    assert clean.api.put(f"{EVENTS}/{events[made[0]]}/acknowledge").error() == 2005, "a pushed event is not acknowledged"
    clean.api.delete(f"{REGISTRATIONS}/{registration['id']}").expect(200)
    assert clean.api.post(f"{EVENTS}/{events[made[1]]}/resend").error() == 2005
    assert clean.event(events[made[1]])["status"] == "Success", "what was delivered stays visible"


def test_poll_gives_the_oldest_event_until_it_is_acknowledged(clean: Partner) -> None:
    empty = clean.api.get(f"{EVENTS}/poll")
    assert (empty.status, empty.text) == (204, "")
    registration = clean.register("Core.Customer.Onboarded", None, format="Extended")
    assert "callbackUrl" not in registration
    made = [clean.onboard()["id"] for _ in range(3)]
    wait_for("all three wait", lambda: len(clean.events_of(registration["id"])) == 3)
    seen = []
    for _ in made:
        event = clean.api.get(f"{EVENTS}/poll").expect(200)
        assert clean.api.get(f"{EVENTS}/poll").expect(200)["id"] == event["id"], "a GET changes nothing"
        assert event["status"] == "Pending"
        seen.append(event["details"][0]["customerId"])
        assert clean.event(event["id"])["status"] == "Pending"
        for _ in range(2):
            assert clean.api.put(f"{EVENTS}/{event['id']}/acknowledge").expect(200)["status"] == "Success"
        assert clean.api.post(f"{EVENTS}/{event['id']}/resend").error() == 2005
    assert seen == made, "in the order in which they happened"
    assert clean.api.get(f"{EVENTS}/poll").status == 204


def test_several_poll_registrations_share_one_line_or_are_asked_one_by_one(clean: Partner) -> None:
    first = clean.register("Core.Customer.Onboarded", None)
    second = clean.register("Core.Customer.PepScan.Changed", None)
    made = clean.onboard()
    wait_for("both wait", lambda: clean.events_of(first["id"]) and clean.events_of(second["id"]))
    assert clean.api.get(f"{EVENTS}/poll").expect(200)["eventName"] == "Core.Customer.Onboarded"
    for query in ({"eventName": "Core.Customer.PepScan.Changed"}, {"registrationId": second["id"]}):
        event = clean.api.get(f"{EVENTS}/poll", query).expect(200)
        assert event["eventName"] == "Core.Customer.PepScan.Changed"
        assert event["resources"] == [f"core/v1/cm/customers/{made['id']}"]
    assert len(clean.api.get(f"{EVENTS}/poll", {"eventName": "x", "registrationId": "x"}).errors()) == 2
    clean.api.delete(f"{REGISTRATIONS}/{first['id']}").expect(200)
    wait_for("the deleted line is empty", lambda: clean.api.get(f"{EVENTS}/poll").json()["eventName"] == "Core.Customer.PepScan.Changed")
