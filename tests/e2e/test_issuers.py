"""Tokens of a further issuer, which an operator has configured by its issuer and key set."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from support import samples
from support.api import Answer
from support.bundle import CUSTOMERS, Bundle, Partner
from support.receiver import Receiver, answer

AUDIENCE = "https://gatehouse.example/"


def encode(data: bytes | dict) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@pytest.fixture(scope="module")
def issue(bundle: Bundle, partner: Partner, receiver: Receiver) -> Iterator[Callable[..., str]]:
    """A bank's identity provider: a key pair, a published key set, and the authorizer configured to trust it."""
    pair = rsa.generate_private_key(65537, 2048)
    public = pair.public_key().public_numbers()
    key_set = {"keys": [{"kty": "RSA", "kid": "idp-1", "use": "sig", "alg": "RS256", "n": number(public.n), "e": number(public.e)}]}
    endpoint = receiver.endpoint(answer(200, json.dumps(key_set).encode(), {"Content-Type": "application/json"}), "jwks")
    issuer = f"https://idp-{uuid.uuid4().hex[:8]}.example/"
    trusted = [{
        "name": "bank-idp",
        "issuer": issuer,
        "jwksUrl": endpoint.url,
        "audience": AUDIENCE,
        "algorithms": ["RS256"],
        "partner": {"claim": "tenant", "values": {"acme": partner.id}},
        "clientClaim": "azp",
        "scopeClaim": "scope",
        "scopes": ["customers:read"],
        "environment": "sandbox",
    }]

    def make(*, header: dict | None = None, key: rsa.RSAPrivateKey = pair, **changes) -> str:
        now = int(time.time())
        claims = {"iss": issuer, "aud": AUDIENCE, "azp": "desk-7", "sub": "desk-7", "tenant": "acme", "iat": now,
                  "nbf": now, "exp": now + 600, "jti": uuid.uuid4().hex, "scope": "customers:read customers:write"}
        head = samples.merged({"alg": "RS256", "typ": "JWT", "kid": "idp-1"}, header or {})
        signed = f"{encode(head)}.{encode(samples.merged(claims, changes))}"
        return samples.private(f"{signed}.{encode(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}")

    with bundle.configured("authorizer", TRUSTED_ISSUERS=json.dumps(trusted)):
        yield make


def knock(bundle: Bundle, token: str) -> Answer:
    return bundle.api.with_token(token).get(CUSTOMERS)


def test_its_token_opens_the_partner_it_is_configured_for(bundle: Bundle, partner: Partner, issue) -> None:
    made = partner.onboard()
    page = knock(bundle, issue()).expect(200)
    assert made["id"] in [customer["id"] for customer in page["results"]]


def test_it_gives_no_more_than_the_configuration_allows(bundle: Bundle, partner: Partner, issue) -> None:
    denied = bundle.api.with_token(issue()).post(CUSTOMERS, samples.person(partner.id))
    assert denied.error(403) == 3001


@pytest.mark.parametrize("changes", [
    {"iss": "https://other.example/"}, {"aud": "https://elsewhere.example/"}, {"tenant": "unknown"}, {"tenant": ...},
    {"exp": 1_700_000_000}, {"header": {"kid": "idp-2"}}, {"header": {"alg": "PS256"}}, {"header": {"alg": "HS256"}},
], ids=str)
def test_a_wrong_one_is_refused(bundle: Bundle, issue, changes: dict) -> None:
    found = knock(bundle, issue(**changes))
    assert (found.status, found.text) == (401, "")


def test_a_forged_one_is_refused(bundle: Bundle, issue) -> None:
    found = knock(bundle, issue(key=rsa.generate_private_key(65537, 2048)))
    assert (found.status, found.text) == (401, "")


def test_our_own_tokens_are_good_beside_it(partner: Partner, issue) -> None:
    assert partner.api.get(CUSTOMERS).status == 200
