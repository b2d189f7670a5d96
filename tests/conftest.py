"""What every end-to-end test is given. The bundle itself is started by `make test-e2e`; see infra/local/gatehouse.py.

Invariant: each test module works for a partner of its own, so that no test sees another's customers or registrations.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bundle import Bundle, Partner
from support.receiver import Receiver, answer
from support.watchlists import Lists

# What waits in real time begins first and is looked at late; what ends processes comes after everything that would be
# disturbed by it; the logs of all of it come last.
_ORDER = [
    "test_auth", "test_issuers", "test_nightly", "test_authorization", "test_customers", "test_validation", "test_contacts", "test_idempotency",
    "test_search", "test_audit", "test_review_policy", "test_providers", "test_webhooks", "test_signatures", "test_receivers", "test_delivery", "test_scans", "test_watchlists",
    "test_monitoring", "test_ekyc", "test_ekyc_services", "test_pennydrop", "test_ekyc_at_once", "test_story", "test_kill_scans",
    "test_kill_ekyc", "test_retries_in_time", "test_kill_deliveries", "test_ekyc_secrecy", "test_operations",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.stem
        if item.path.parent.name != "e2e":
            # The stories told with other people's clients; their traffic is in the logs that are searched last.
            return -1
        if name not in _ORDER:
            raise pytest.UsageError(f"{name} has no place in the order of suites; see tests/conftest.py")
        return _ORDER.index(name)

    items.sort(key=place)


@pytest.fixture(scope="session")
def bundle() -> Iterator[Bundle]:
    """The bundle, without the two schedules that change what tests count: the night adds a screening to every customer,
    and a reconciliation looks at every penny. The tests of both call them; the sweep of webhooks goes on by itself."""
    file = os.environ.get("GATEHOUSE_ENVIRONMENT")
    if not file or not Path(file).is_file():
        pytest.exit("No bundle to test. Run: make test-e2e", returncode=2)
    found = Bundle(file)
    with found.unscheduled("scan-schedule", "penny-drop-reconcile"):
        yield found


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def partner(bundle: Bundle) -> Partner:
    return bundle.new_partner()


@pytest.fixture(scope="session")
def stranger(bundle: Bundle) -> Partner:
    """Another partner, whose token must open nothing of the first one."""
    return bundle.new_partner()


@pytest.fixture
def lists(bundle: Bundle) -> Iterator[Lists]:
    """The watchlist files; what a test does to them is undone.

    The manifest goes back as well: a refresh would refuse a list that has become shorter, as it should.
    """
    found = Lists(bundle)
    original = {key: found.read(key) for key in (found.pep_key, found.manifest_key)}
    yield found
    for key, content in original.items():
        found.write(key, content)


class FailingForGood:
    """A receiver that always fails, met by one event at the beginning of the run."""

    def __init__(self, bundle: Bundle, receiver: Receiver) -> None:
        self.partner = bundle.new_partner()
        self.endpoint = receiver.endpoint(answer(500))
        self.registration = self.partner.register("Core.Customer.Onboarded", self.endpoint.url)
        self.customer = self.partner.onboard()


@pytest.fixture(scope="session")
def failing_for_good(bundle: Bundle, receiver: Receiver) -> FailingForGood:
    return FailingForGood(bundle, receiver)


@pytest.fixture(scope="session", autouse=True)
def begin_what_takes_long(request: pytest.FixtureRequest) -> None:
    """The contract's retries take up to three minutes; they run while everything else is tested."""
    if any(item.path.stem == "test_retries_in_time" for item in request.session.items):
        request.getfixturevalue("failing_for_good")
