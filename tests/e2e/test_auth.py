"""Tokens: how they are got, what they say, and every way in which one is refused."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from support import samples
from support.api import AUDIENCE, Answer
from support.bundle import CUSTOMERS, Bundle, FunctionFailed, Partner
from support.waiting import wait_for

# The local deployment lets API Gateway reuse an authorizer's answer for 5 s; a revocation shows at the latest then.
CACHE_SECONDS = 5


def encode(data: bytes | dict) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def parts(token: str) -> tuple[dict, dict, bytes]:
    header, payload, signature = token.split(".")
    return json.loads(decode(header)), json.loads(decode(payload)), decode(signature)


def form(partner: Partner, **changes: str | None) -> dict:
    fields = {
        "grant_type": "client_credentials",
        "client_id": partner.client_id,
        "client_secret": partner.client_secret,
        "audience": AUDIENCE,
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def refused(answer: Answer, status: int, error: str) -> None:
    body = answer.expect(status)
    assert body["error"] == error, answer.text
    assert set(body) <= {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"


def unauthorized(answer: Answer) -> None:
    """Clients of the contract expect a 401 without a body."""
    assert (answer.status, answer.text) == (401, ""), f"{answer.request}: {answer.status} {answer.text!r}"


def knock(bundle: Bundle, token: str, **headers: str) -> Answer:
    return bundle.api.with_token(token).send("GET", CUSTOMERS, headers=headers)


@pytest.fixture(scope="module")
def key_ids(bundle: Bundle) -> list[str]:
    return bundle.variable("token-issue", "SIGNING_KEY_IDS").split(",")


@pytest.fixture(scope="module")
def forge(bundle: Bundle, partner: Partner, key_ids: list[str]):
    """Makes tokens with our own keys, as nobody outside can: each test changes exactly one thing about a good one."""
    kms = bundle.client("kms")
    header, claims, _ = parts(partner.api_with("customers:read").token)

    def make(*, key: int = 0, header_changes: dict | None = None, **changes) -> str:
        jwk = published_key(bundle, kms.get_public_key(KeyId=key_ids[key])["PublicKey"])
        now = int(time.time())
        fresh = {"iat": now, "nbf": now, "exp": now + 3600, "jti": str(uuid.uuid4())}
        body = samples.merged({**claims, **fresh}, changes)
        signed = f"{encode(samples.merged({**header, 'kid': jwk['kid']}, header_changes or {}))}.{encode(body)}"
        der = kms.sign(KeyId=key_ids[key], Message=signed.encode(), MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
        r, s = decode_dss_signature(der)
        return samples.private(f"{signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}")

    return make


def published_key(bundle: Bundle, der: bytes) -> dict:
    """The entry of the published key set that is this public key."""
    numbers = serialization.load_der_public_key(der).public_numbers()
    x = encode(numbers.x.to_bytes(32, "big"))
    for jwk in bundle.api.get("/.well-known/jwks.json").expect(200)["keys"]:
        if jwk["x"] == x:
            return jwk
    raise AssertionError("a signing key is not published")


# ---- getting a token


def test_a_token_is_answered_as_documented(bundle: Bundle, partner: Partner) -> None:
    answer = bundle.api.ask_for_token(form(partner))
    body = answer.expect(200)
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 86400
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.headers["request-id"]
    header, claims, _ = parts(body["access_token"])
    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    assert claims["iss"] == bundle.base_url
    assert claims["aud"] == AUDIENCE
    assert claims["partner_id"] == partner.id
    assert claims["client_id"] == partner.client_id
    assert claims["env"] == "sandbox"
    assert claims["exp"] - claims["iat"] == 86400
    assert abs(claims["iat"] - time.time()) < 60
    assert set(claims["scope"].split()) == {
        "customers:read", "customers:write", "customers:unmask", "compliance:review", "webhooks:read", "webhooks:write",
        "ekyc.initiate", "ekyc.validate", "ekyc.config",
    }


def test_no_two_tokens_have_the_same_id(bundle: Bundle, partner: Partner) -> None:
    tokens = [bundle.api.ask_for_token(form(partner)).expect(200)["access_token"] for _ in range(3)]
    assert len({parts(token)[1]["jti"] for token in tokens}) == 3


def test_a_stranger_can_verify_a_token_from_discovery_on(bundle: Bundle, partner: Partner) -> None:
    discovery = bundle.api.get("/.well-known/openid-configuration").expect(200)
    assert discovery["issuer"] == bundle.base_url
    assert discovery["token_endpoint"] == f"{bundle.base_url}/connect/token"
    assert "client_credentials" in discovery["grant_types_supported"]
    path = discovery["jwks_uri"].removeprefix(bundle.base_url)
    keys = bundle.api.get(path).expect(200)["keys"]
    assert len(keys) == 2, "two keys are live, so that one can be rotated out"
    for key in keys:
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
        assert "d" not in key
    token = bundle.api.ask_for_token(form(partner)).expect(200)["access_token"]
    header, _, signature = parts(token)
    [key] = [key for key in keys if key["kid"] == header["kid"]]
    x, y = (int.from_bytes(decode(key[name]), "big") for name in ("x", "y"))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    signed = token.rpartition(".")[0].encode()
    public.verify(der, signed, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(der, signed + b"x", ec.ECDSA(hashes.SHA256()))


def test_a_client_may_name_itself_by_http_basic(bundle: Bundle, partner: Partner) -> None:
    fields = form(partner, client_id=None, client_secret=None)
    answer = bundle.api.ask_for_token(fields, basic=(partner.client_id, partner.client_secret))
    assert answer.expect(200)["token_type"] == "Bearer"
    refused(bundle.api.ask_for_token(fields, basic=(partner.client_id, "ghs_wrong")), 401, "invalid_client")
    assert "basic" in bundle.api.ask_for_token(fields, basic=("x", "y")).headers["www-authenticate"].lower()
    both = bundle.api.ask_for_token(form(partner), basic=(partner.client_id, partner.client_secret))
    refused(both, 400, "invalid_request")


@pytest.mark.parametrize(("changes", "status", "error"), [
    ({"grant_type": None}, 400, "invalid_request"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ({"audience": None}, 400, "invalid_request"),
    ({"audience": "https://elsewhere.example/"}, 400, "invalid_target"),
    ({"client_id": None}, 401, "invalid_client"),
    ({"client_secret": None}, 401, "invalid_client"),
    ({"client_secret": "ghs_wrong"}, 401, "invalid_client"),
    ({"client_id": "nobody"}, 401, "invalid_client"),
    ({"client_id": "x" * 500}, 401, "invalid_client"),
    ({"client_id": "' OR 1=1 --"}, 401, "invalid_client"),
    ({"scope": "customers:read everything"}, 400, "invalid_scope"),
], ids=str)
def test_a_wrong_token_request_is_refused_in_oauth_words(bundle, partner, changes, status, error) -> None:
    refused(bundle.api.ask_for_token(form(partner, **changes)), status, error)


def test_a_token_request_is_a_form_and_nothing_else(bundle: Bundle, partner: Partner) -> None:
    as_json = bundle.api.send("POST", "/connect/token", body=json.dumps(form(partner)), headers={"Content-Type": "application/json"})
    refused(as_json, 400, "invalid_request")
    repeated = [*form(partner).items(), ("scope", "customers:read"), ("scope", "customers:write")]
    refused(bundle.api.ask_for_token(repeated), 400, "invalid_request")
    refused(bundle.api.ask_for_token("grant_type=%zz"), 400, "invalid_request")
    secret_in_url = {"client_id": partner.client_id, "client_secret": "x"}
    refused(bundle.api.ask_for_token(form(partner), query=secret_in_url), 400, "invalid_request")
    assert bundle.api.ask_for_token("a=" + "b" * 20_000).status == 413


def test_unknown_client_and_wrong_secret_answer_the_same_words(bundle: Bundle, partner: Partner) -> None:
    wrong = bundle.api.ask_for_token(form(partner, client_secret="ghs_" + "A" * 43))
    unknown = bundle.api.ask_for_token(form(partner, client_id=str(uuid.uuid4())))
    assert (wrong.status, wrong.text) == (unknown.status, unknown.text)


def test_a_token_for_some_scopes_opens_only_those(bundle: Bundle, partner: Partner) -> None:
    answer = bundle.api.ask_for_token(form(partner, scope="customers:read webhooks:read")).expect(200)
    assert set(parts(answer["access_token"])[1]["scope"].split()) == {"customers:read", "webhooks:read"}
    api = bundle.api.with_token(answer["access_token"])
    assert api.get(CUSTOMERS).status == 200
    denied = api.post(CUSTOMERS, samples.person(partner.id))
    assert denied.error(403) == 3001
    assert "customers:write" in denied.text


def test_a_client_cannot_ask_for_more_than_it_has(bundle: Bundle) -> None:
    made = bundle.new_client(scopes=["customers:read"])
    fields = {"grant_type": "client_credentials", "client_id": made["clientId"], "client_secret": made["clientSecret"], "audience": AUDIENCE}
    refused(bundle.api.ask_for_token({**fields, "scope": "customers:read customers:write"}), 400, "invalid_scope")
    token = bundle.api.ask_for_token(fields).expect(200)["access_token"]
    assert parts(token)[1]["scope"] == "customers:read"


# ---- presenting a token


def test_a_good_token_in_both_spellings_of_the_scheme(bundle: Bundle, partner: Partner) -> None:
    token = partner.api.token
    assert knock(bundle, token).status == 200
    assert bundle.api.send("GET", CUSTOMERS, headers={"Authorization": f"bearer {token}"}).status == 200


@pytest.mark.parametrize("value", [
    None, "", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer ..", "Basic dXNlcjpwYXNz", "Bearer null",
    "Bearer " + "A" * 9000, "Bearer eyJhbGciOiJub25lIn0.e30.",
], ids=lambda value: "no header" if value is None else repr(value[:24]))
def test_what_is_no_token_is_401_without_a_body(bundle: Bundle, value: str | None) -> None:
    unauthorized(bundle.api.send("GET", CUSTOMERS, headers={"Authorization": value}))


def test_a_token_in_another_place_is_no_token(bundle: Bundle, partner: Partner) -> None:
    token = partner.api.token
    unauthorized(bundle.api.get(CUSTOMERS, {"access_token": token}))
    unauthorized(bundle.api.send("GET", CUSTOMERS, headers={"X-Authorization": f"Bearer {token}"}))


def test_the_forger_can_make_good_tokens(bundle: Bundle, forge) -> None:
    """Otherwise every refusal below would prove nothing."""
    assert knock(bundle, forge()).status == 200


def test_both_live_keys_sign_good_tokens(bundle: Bundle, forge, key_ids: list[str]) -> None:
    assert len(key_ids) == 2
    assert knock(bundle, forge(key=1)).status == 200


WRONG_CLAIMS = {
    "expired": lambda now: {"iat": now - 7200, "nbf": now - 7200, "exp": now - 120},
    "not yet valid": lambda now: {"nbf": now + 300},
    "another issuer": lambda now: {"iss": "https://issuer.example"},
    "another audience": lambda now: {"aud": "https://other.example/"},
    "no expiry": lambda now: {"exp": ...},
    "no issuer": lambda now: {"iss": ...},
    "no audience": lambda now: {"aud": ...},
    "no id": lambda now: {"jti": ...},
    "no partner": lambda now: {"partner_id": ...},
    "a partner that is no id": lambda now: {"partner_id": "*"},
    "another partner than the client's": lambda now: {"partner_id": str(uuid.uuid4())},
    "an unknown client": lambda now: {"client_id": str(uuid.uuid4()), "sub": str(uuid.uuid4())},
    "an expiry that is text": lambda now: {"exp": "tomorrow"},
}


@pytest.mark.parametrize("case", WRONG_CLAIMS)
def test_a_signed_token_with_wrong_claims_is_refused(bundle: Bundle, forge, case: str) -> None:
    unauthorized(knock(bundle, forge(**WRONG_CLAIMS[case](int(time.time())))))


def test_clocks_may_differ_by_up_to_a_minute(bundle: Bundle, forge) -> None:
    now = int(time.time())
    assert knock(bundle, forge(exp=now - 20)).status == 200
    assert knock(bundle, forge(nbf=now + 40)).status == 200


@pytest.mark.parametrize("changes", [{"typ": "JWT"}, {"kid": "unknown"}, {"kid": ...}, {"alg": "ES384"}, {"alg": "none"}, {"crit": ["x"], "x": 1}], ids=str)
def test_a_signed_token_with_a_wrong_header_is_refused(bundle: Bundle, forge, changes: dict) -> None:
    unauthorized(knock(bundle, forge(header_changes=changes)))


def test_a_changed_token_is_refused(bundle: Bundle, forge) -> None:
    token = forge()
    head, payload, signature = token.split(".")
    claims = json.loads(decode(payload))
    raised = encode({**claims, "scope": "customers:read customers:write customers:unmask compliance:review webhooks:read webhooks:write"})
    unauthorized(knock(bundle, f"{head}.{raised}.{signature}"))
    flipped = bytearray(decode(signature))
    flipped[5] ^= 1
    unauthorized(knock(bundle, f"{head}.{payload}.{encode(bytes(flipped))}"))
    unauthorized(knock(bundle, f"{head}.{payload}."))
    unauthorized(knock(bundle, f"{head}.{payload}.{encode(bytes(64))}"))
    unauthorized(knock(bundle, f"{token}.{signature}"))
    assert knock(bundle, token).status == 200


def test_tokens_of_a_forger_without_our_key_are_refused(bundle: Bundle, forge) -> None:
    header, claims, _ = parts(forge())
    kid = header["kid"]
    payload = encode(claims)
    # No signature at all.
    for name in ("none", "None", "NONE"):
        unauthorized(knock(bundle, f"{encode({'alg': name, 'typ': 'at+jwt', 'kid': kid})}.{payload}."))
    # A symmetric signature with our public key as the secret.
    jwk = next(key for key in bundle.api.get("/.well-known/jwks.json").expect(200)["keys"] if key["kid"] == kid)
    x, y = (int.from_bytes(decode(jwk[name]), "big") for name in ("x", "y"))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), decode(jwk["x"]), json.dumps(jwk).encode()):
        signed = f"{encode({'alg': 'HS256', 'typ': 'at+jwt', 'kid': kid})}.{payload}"
        unauthorized(knock(bundle, f"{signed}.{encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"))
    # A key of the forger's own, under our key's name, and brought along in the header.
    own = ec.generate_private_key(ec.SECP256R1())
    numbers = own.public_key().public_numbers()
    brought = {"kty": "EC", "crv": "P-256", "x": encode(numbers.x.to_bytes(32, "big")), "y": encode(numbers.y.to_bytes(32, "big"))}
    for extra in ({}, {"jwk": brought}, {"jku": "http://127.0.0.1:9/jwks.json"}):
        signed = f"{encode({'alg': 'ES256', 'typ': 'at+jwt', 'kid': kid, **extra})}.{payload}"
        r, s = decode_dss_signature(own.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        unauthorized(knock(bundle, f"{signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"))
    # Another algorithm family.
    pair = rsa.generate_private_key(65537, 2048)
    signed = f"{encode({'alg': 'RS256', 'typ': 'at+jwt', 'kid': kid})}.{payload}"
    unauthorized(knock(bundle, f"{signed}.{encode(pair.sign(signed.encode(), rsa_padding.PKCS1v15(), hashes.SHA256()))}"))


# ---- taking access away


def until_refused(bundle: Bundle, token: str) -> None:
    wait_for("the revoked token is refused", lambda: knock(bundle, token).status == 401, CACHE_SECONDS + 5)
    unauthorized(knock(bundle, token))


def test_a_revoked_token_and_a_revoked_client_are_refused_within_the_cache_time(bundle: Bundle) -> None:
    one, other = bundle.new_partner(), bundle.new_partner()
    token, kept = one.api.token, one.api_with("customers:read").token
    client_token = other.api.token
    for good in (token, kept, client_token):
        assert knock(bundle, good).status == 200
    claims = parts(token)[1]
    bundle.invoke("client-admin", {"action": "revoke-token", "tokenId": claims["jti"]})
    bundle.invoke("client-admin", {"action": "revoke", "clientId": other.client_id})
    until_refused(bundle, token)
    until_refused(bundle, client_token)
    assert knock(bundle, kept).status == 200, "the client's other token lives on"
    refused(bundle.api.ask_for_token(form(other)), 401, "invalid_client")
    assert bundle.api.ask_for_token(form(one)).status == 200


def test_a_rotated_secret_works_beside_the_old_one_until_that_is_discarded(bundle: Bundle) -> None:
    one = bundle.new_partner()
    rotate = {"action": "rotate-secret", "clientId": one.client_id}
    new_secret = samples.private(bundle.invoke("client-admin", rotate)["clientSecret"])
    assert new_secret != one.client_secret
    for secret in (one.client_secret, new_secret):
        assert bundle.api.ask_for_token(form(one, client_secret=secret)).status == 200
    with pytest.raises(FunctionFailed):
        bundle.invoke("client-admin", rotate)
    newest = samples.private(bundle.invoke("client-admin", {**rotate, "discard": "previous"})["clientSecret"])
    for secret in (new_secret, newest):
        assert bundle.api.ask_for_token(form(one, client_secret=secret)).status == 200
    refused(bundle.api.ask_for_token(form(one)), 401, "invalid_client")


def test_a_secret_that_leaked_is_replaced_without_grace(bundle: Bundle) -> None:
    one = bundle.new_partner()
    rotated = bundle.invoke("client-admin", {"action": "rotate-secret", "clientId": one.client_id, "gracePeriodHours": 0})
    new_secret = samples.private(rotated["clientSecret"])
    assert bundle.api.ask_for_token(form(one, client_secret=new_secret)).status == 200
    refused(bundle.api.ask_for_token(form(one)), 401, "invalid_client")


def test_a_repeated_command_makes_one_client(bundle: Bundle) -> None:
    request = {"action": "create", "requestId": uuid.uuid4().hex, "name": "Twice", "environment": "sandbox", "scopes": "all"}
    first, again = bundle.invoke("client-admin", request), bundle.invoke("client-admin", request)
    samples.private(first["clientSecret"])
    assert again["clientId"] == first["clientId"]
    assert (first["created"], again["created"]) == (True, False)
    assert "clientSecret" not in again, "a secret is in the answer that made it and in no other"


def test_a_misspelt_command_is_refused(bundle: Bundle) -> None:
    for wrong in ({"allowedSource": ["198.51.100.0/24"]}, {"scopes": ["customers:everything"]}, {"environment": "staging"}):
        with pytest.raises(FunctionFailed):
            bundle.new_client(**wrong)


def test_a_listed_client_shows_no_secret(bundle: Bundle) -> None:
    one = bundle.new_partner()
    listed = bundle.invoke("client-admin", {"action": "list", "partnerId": one.id})
    text = json.dumps(listed)
    assert one.client_id in text
    assert one.client_secret not in text
    assert "digest" not in text


def test_a_client_with_an_address_list_is_let_in_from_there_only(bundle: Bundle) -> None:
    made = bundle.new_client(allowedSources=["198.51.100.0/24", "2001:db8::1"])
    fields = {"grant_type": "client_credentials", "client_id": made["clientId"], "client_secret": made["clientSecret"], "audience": AUDIENCE}
    # The emulator takes the caller's address from this header; API Gateway takes it from the connection.
    good, bad = {"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "203.0.113.9"}
    refused(bundle.api.ask_for_token(fields, headers=bad), 400, "unauthorized_client")
    token = bundle.api.ask_for_token(fields, headers=good).expect(200)["access_token"]
    unauthorized(knock(bundle, token, **bad))
    assert knock(bundle, token, **good).status == 200
    # The authorizer's answer is cached by token now; the address is looked at all the same.
    unauthorized(knock(bundle, token, **bad))
    assert knock(bundle, token, **{"X-Forwarded-For": "2001:db8::1"}).status == 200
    assert knock(bundle, token, **good).status == 200
