"""What the stories with other people's clients share: the SDK, people who do not exist, and a crowd of them."""

import itertools
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from straddle import StraddleAPI
from support import samples
from support.bundle import Bundle, Partner

# Not a multiple of any page size that the stories use.
CROWD = 257
_OUTCOMES = ["verified", "review", "rejected"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

SCOPES = "customers:read customers:write compliance:review"


@dataclass(frozen=True)
class Member:
    """One of the crowd, as it was sent and answered."""

    id: str
    name: str
    email: str
    phone: str
    external_id: str
    type: str
    status: str
    created_at: object


@dataclass(frozen=True)
class Crowd:
    """Customers of a partner that has no others."""

    partner: Partner
    members: list[Member]

    def ids(self, matches: Callable[[Member], bool] = lambda _: True) -> set[str]:
        return {member.id for member in self.members if matches(member)}


def sdk(bundle: Bundle, partner: Partner, scope: str | None = SCOPES, **settings) -> StraddleAPI:
    """The official client, strict about what it is answered; a test that fails should not be retried into success."""
    options = {"max_retries": 0, "timeout": 60, "_strict_response_validation": True, **settings}
    return StraddleAPI(base_url=bundle.base_url, bearer=partner.api_with(scope).token, **options)


def somebody(**changes) -> dict:
    """A create request of someone who does not exist."""
    return samples.merged({
        "name": f"{samples.word()} {samples.word()}",
        "type": "individual",
        # Unique for sure: among a crowd two of the made-up words meet before long.
        "email": samples.private(f"{samples.word().lower()}.{uuid.uuid4().hex[:12]}@example.com"),
        "phone": samples.private(f"+1{samples.digits(3, '23456789')}{samples.digits(3, '23456789')}{samples.digits(4)}"),
        "device": {"ip_address": "203.0.113.9"},
        "config": {"sandbox_outcome": "verified"},
    }, changes)


def member(client: StraddleAPI, number: int) -> Member:
    first, second = divmod(number, len(_LETTERS))
    sent = somebody(
        name=samples.private(f"Blix{_LETTERS[first]}{_LETTERS[second]}o Quornax"),
        type="business" if number % 5 == 0 else "individual",
        external_id=f"crowd-{number:03}",
        config={"sandbox_outcome": _OUTCOMES[number % len(_OUTCOMES)]},
    )
    made = client.customers.create(**sent).data
    return Member(made.id, sent["name"], sent["email"], sent["phone"], sent["external_id"], sent["type"], made.status, made.created_at)


def gather(bundle: Bundle) -> Crowd:
    partner = bundle.new_partner()
    client = sdk(bundle, partner)
    with ThreadPoolExecutor(6) as pool:
        members = list(pool.map(member, itertools.repeat(client), range(CROWD)))
    return Crowd(partner, members)
