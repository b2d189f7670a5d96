"""A bank provider for tests and the local stack: Modulr's and ClearBank's documented APIs, and the receiver's statement.

    python3 tests/support/bank_stub.py --port 9000 [--clearbank-key FILE]
    python3 tests/support/bank_stub.py --port 9000 --print-secret modulr

Needs nothing but Python. Signatures are checked for real, by other code than signs them. The last two digits of the account
number choose the answer (see NAME_CHECKS and pay); the statement shows the reference of each penny, which is how a test
or a person reads the code as the customer would. Invariant: one session gets one penny, however often it is asked for.
"""

import argparse
import base64
import email.utils
import hashlib
import hmac
import json
import math
import secrets
import sys
import threading
import time
import urllib.parse
from dataclasses import asdict, dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY_ID = "SANDBOX-KEY"
HMAC_SECRET = "c2FuZGJveC1zZWNyZXQtb2YtdGhlLXN0dWI="
SOURCE_ACCOUNT = "A120SANDBX"
TOKEN = "sandbox-token"
CLEARBANK_ACCOUNT = "3b7f0c51-0000-4000-8000-5a4db0c5a4d0"
DEBTOR_IBAN = "GB29NWBK60161331926819"

MOST_SKEW_SECONDS = 300
RETRY_SECONDS = 48 * 3600

# By the last two digits of the account number: Modulr's code, Pay.UK's reason code, the name that the bank holds.
NAME_CHECKS = {
    "00": ("MATCHED", None, None),
    "01": ("NOT_MATCHED", "ANNM", None),
    "02": ("CLOSE_MATCH", "MBAM", "Jon Smyth"),
    "03": ("BUSINESS_ACCOUNT_NAME_MATCHED", "BANM", None),
    "04": ("ACCOUNT_DOES_NOT_EXIST", "AC01", None),
    "05": ("ACCOUNT_SWITCHED", "CASS", None),
    "06": ("NO_RESPONSE", None, None),
    "07": ("NOT_ENROLLED", None, None),
}
UNKNOWN_NAME_CHECK = ("MATCHED", None, None)
TOO_MANY, OUT_OF_ORDER, DROPPED = "08", "09", "10"
INVALID, RETURNED, CUT, RETURNED_LATE = "20", "21", "22", "23"


class Drop(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Penny:
    """A payment that was taken on."""

    id: str
    provider: str
    session: str
    sortCode: str
    accountNumber: str
    name: str
    reference: str
    bookedAt: float = field(default_factory=time.time)
    looks: int = 0
    # Of a payment that comes back late: when it was seen to have arrived, which is when it turns back.
    turnedAt: float | None = None

    def looked_at(self) -> None:
        self.looks += 1
        if self.looks == 2:
            self.turnedAt = time.time()

    @property
    def returned(self) -> bool:
        return self.accountNumber.endswith(RETURNED)

    @property
    def returned_late(self) -> bool:
        """It has arrived, was seen to have, and is back."""
        return self.accountNumber.endswith(RETURNED_LATE) and self.looks > 2


class Bank:
    """What both providers know. Every method holds the lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pennies: list[Penny] = []
        self.nonces: dict[str, tuple[float, int, object]] = {}
        self.calls: dict[str, int] = {}

    def reset(self) -> None:
        with self.lock:
            self.pennies.clear()
            self.nonces.clear()
            self.calls.clear()

    def statement(self, sort_code: str, account: str) -> list[dict]:
        with self.lock:
            mine = [p for p in self.pennies if (p.sortCode, p.accountNumber) == (sort_code, account) and not p.returned]
            return [{"amount": "0.01", "currency": "GBP", "reference": p.reference, "bookedAt": p.bookedAt} for p in mine]

    def book(self, provider: str, session: str, account: str, name: str, reference: str) -> Penny:
        number = len(self.pennies) + 1
        penny = Penny(f"P{number:09d}", provider, session, account[:6], account[6:], name, reference)
        self.pennies.append(penny)
        return penny


# ---- RSA with nothing but integers, so that the other side's library is not checked with itself

SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


def rsa_verifies(modulus: int, exponent: int, message: bytes, signature: bytes) -> bool:
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2.2)."""
    length = (modulus.bit_length() + 7) // 8
    if len(signature) != length:
        return False
    opened = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(length, "big")
    digest = SHA256_PREFIX + hashlib.sha256(message).digest()
    expected = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    return hmac.compare_digest(opened, expected)


def der(tag: int, content: bytes) -> bytes:
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(content).to_bytes(size, "big") + content


def der_integer(number: int) -> bytes:
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def der_read(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Tag, content and the place behind."""
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, at = int.from_bytes(data[at:at + size], "big"), at + size
    return tag, data[at:at + length], at + length


def is_prime(number: int) -> bool:
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(16):
        x = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if x in (1, number - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


def prime(bits: int) -> int:
    while True:
        candidate = secrets.randbits(bits) | 3 << bits - 2 | 1
        if is_prime(candidate):
            return candidate


def new_rsa_key() -> str:
    """A key of 2048 bits as PKCS #8 in PEM."""
    exponent = 65537
    while True:
        p, q = prime(1024), prime(1024)
        if p != q and math.gcd(exponent, (p - 1) * (q - 1)) == 1:
            break
    p, q = max(p, q), min(p, q)
    private = pow(exponent, -1, math.lcm(p - 1, q - 1))
    numbers = [0, p * q, exponent, private, p, q, private % (p - 1), private % (q - 1), pow(q, -1, p)]
    pkcs1 = der(0x30, b"".join(map(der_integer, numbers)))
    rsa_encryption = der(0x30, bytes.fromhex("06092a864886f70d010101") + b"\x05\x00")
    pkcs8 = der(0x30, der_integer(0) + rsa_encryption + der(0x04, pkcs1))
    text = base64.encodebytes(pkcs8).decode().replace("\n", "")
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])


def public_numbers(pem: str) -> tuple[int, int]:
    """Modulus and exponent of a PKCS #8 key."""
    body = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
    _, key, _ = der_read(base64.b64decode(body), 0)
    _, _, at = der_read(key, 0)
    _, _, at = der_read(key, at)
    _, inner, _ = der_read(key, at)
    _, numbers, _ = der_read(inner, 0)
    _, _, at = der_read(numbers, 0)
    _, modulus, at = der_read(numbers, at)
    _, exponent, _ = der_read(numbers, at)
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def read_or_make_key(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(new_rsa_key())
    return path.read_text()


def secret(provider: str, url: str, key: str | None) -> dict:
    """The deployment's secret for this stub."""
    if provider == "modulr":
        return {"provider": "modulr", "baseUrl": f"{url}/modulr", "keyId": KEY_ID, "hmacSecret": HMAC_SECRET,
                "sourceAccountId": SOURCE_ACCOUNT}
    return {"provider": "clearbank", "baseUrl": f"{url}/clearbank", "token": TOKEN, "privateKey": key,
            "accountId": CLEARBANK_ACCOUNT, "debtorIban": DEBTOR_IBAN, "debtorAddress": "UK, London, Example Street 1"}


# ---- Modulr

def modulr_authorized(headers) -> bool:
    date, nonce, given = headers.get("Date", ""), headers.get("x-mod-nonce", ""), headers.get("Authorization", "")
    algorithm = "sha512" if 'algorithm="hmac-sha512"' in given else "sha1"
    tag = hmac.new(HMAC_SECRET.encode(), f"date: {date}\nx-mod-nonce: {nonce}".encode(), algorithm).digest()
    signature = urllib.parse.quote(base64.b64encode(tag).decode(), safe="")
    expected = (f'Signature keyId="{KEY_ID}",algorithm="hmac-{algorithm}",headers="date x-mod-nonce",'
                f'signature="{signature}"')
    try:
        skew = abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time())
    except (TypeError, ValueError):
        return False
    return bool(nonce) and skew <= MOST_SKEW_SECONDS and hmac.compare_digest(given, expected)


def modulr_errors(*fields: str) -> list[dict]:
    return [{"field": name, "code": "INVALID", "message": f"{name} is invalid", "sourceService": "stub"} for name in fields]


def is_reference(text: str) -> bool:
    allowed = all(c.isascii() and (c.isalnum() or c in "-.&/ ") for c in text)
    return allowed and 6 <= len(text) <= 18 and len(set(text)) > 1


def modulr_name_check(bank: Bank, body: dict, headers) -> tuple[int, object]:
    wrong = [name for name, size in (("sortCode", 6), ("accountNumber", 8))
             if not (str(body.get(name, "")).isdigit() and len(body[name]) == size)]
    if not 1 <= len(body.get("name", "")) <= 140:
        wrong.append("name")
    if body.get("accountType") not in ("PERSONAL", "BUSINESS") or body.get("paymentAccountId") != SOURCE_ACCOUNT:
        wrong.append("paymentAccountId")
    if wrong:
        return 400, modulr_errors(*wrong)
    with bank.lock:
        nonce = headers["x-mod-nonce"]
        if nonce in bank.nonces:
            return 403, {"error": "Nonce was used"}
        bank.nonces[nonce] = (time.time(), 403, {"error": "Nonce was used"})
        number = len(bank.nonces)
    suffix = body["accountNumber"][-2:]
    if suffix == TOO_MANY:
        return 429, {"error": "Rate limit exceeded"}
    if suffix == OUT_OF_ORDER:
        return 503, [{"code": "GENERAL", "message": "try later"}]
    if suffix == DROPPED:
        raise Drop
    code, _, held = NAME_CHECKS.get(suffix, UNKNOWN_NAME_CHECK)
    return 201, {"id": f"C{number:09d}", "result": {"code": code, **({"name": held} if held else {})}}


def modulr_pay(bank: Bank, body: dict, headers) -> tuple[int, object]:
    nonce, retry = headers["x-mod-nonce"], headers.get("x-mod-retry") == "true"
    with bank.lock:
        before = bank.nonces.get(nonce)
        if before and not (retry and time.time() - before[0] < RETRY_SECONDS):
            return 403, {"error": "Nonce was used"}
        if before:
            return before[1], before[2]
        status, answer = modulr_new_payment(bank, body)
        bank.nonces[nonce] = (time.time(), status, answer)
    if status == 201 and body["destination"]["accountNumber"].endswith(CUT):
        raise Drop
    return status, answer


def modulr_new_payment(bank: Bank, body: dict) -> tuple[int, object]:
    to = body.get("destination", {})
    account = f'{to.get("sortCode", "")}{to.get("accountNumber", "")}'
    wrong = []
    if body.get("sourceAccountId") != SOURCE_ACCOUNT:
        wrong.append("sourceAccountId")
    if to.get("type") != "SCAN" or len(account) != 14 or not account.isdigit() or account.endswith(INVALID):
        wrong.append("destination.accountNumber")
    if body.get("currency") != "GBP" or body.get("amount") != 0.01:
        wrong.append("amount")
    if not is_reference(body.get("reference", "")):
        wrong.append("reference")
    if not 1 <= len(body.get("externalReference", "")) <= 50:
        wrong.append("externalReference")
    if wrong:
        return 400, modulr_errors(*wrong)
    penny = bank.book("modulr", body["externalReference"], account, to.get("name", ""), body["reference"])
    return 201, modulr_payment(penny, "SUBMITTED")


def modulr_payment(penny: Penny, status: str) -> dict:
    return {"id": penny.id, "status": status, "externalReference": penny.session, "approvalStatus": "NOTNEEDED",
            "createdDate": time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime(penny.bookedAt)), "details": {}}


def modulr_find(bank: Bank, query: dict[str, str]) -> tuple[int, object]:
    if "id" not in query and "fromCreatedDate" not in query:
        return 400, modulr_errors("fromCreatedDate")
    with bank.lock:
        found = [p for p in bank.pennies if p.provider == "modulr"
                 and (p.id == query["id"] if "id" in query else p.session == query.get("externalReference"))]
        content = []
        for penny in found:
            penny.looks += 1
            final = "RETURNED" if penny.returned or penny.returned_late else "PROCESSED"
            content.append(modulr_payment(penny, final if penny.looks > 1 else "SUBMITTED"))
    return 200, {"content": content, "page": 0, "size": 20, "totalPages": 1, "totalSize": len(content)}


# ---- ClearBank

def clearbank_name_check(body: dict) -> tuple[int, object]:
    account, owner = body.get("Identification", ""), body.get("OwnerName", "")
    if len(account) != 14 or not account.isdigit() or owner.count(",") != 2 or not owner.split(",")[2]:
        return 400, {"Error": {"Reason": "Identification or OwnerName", "ParticipantName": None}}
    suffix = account[-2:]
    if suffix == TOO_MANY:
        return 429, {"title": "Too many requests"}
    if suffix == OUT_OF_ORDER:
        return 503, {"title": "Service unavailable"}
    if suffix == DROPPED:
        raise Drop
    if suffix == "06":
        return 424, {"Error": {"Reason": "no response", "ParticipantName": "Example Bank"}}
    if suffix == "07":
        return 422, {"Error": {"Reason": "participant not found", "ParticipantName": None}}
    code, reason, held = NAME_CHECKS.get(suffix, UNKNOWN_NAME_CHECK)
    return 200, {"Data": {"VerificationReport": {
        "Matched": code == "MATCHED", "Name": held, "ReasonCode": reason, "ReasonCodeDescription": reason,
        "MatchedBank": "Example Bank", "ResponseWithinSla": True}}}


def clearbank_pay(bank: Bank, body: dict) -> tuple[int, object]:
    instruction = body["paymentInstructions"][0]
    transfer = instruction["creditTransfers"][0]
    end_to_end = transfer["paymentIdentification"]["endToEndIdentification"]
    account = transfer["creditorAccount"]["identification"]["other"]["identification"]
    reference = transfer["remittanceInformation"]["structured"]["creditorReferenceInformation"]["reference"]

    def answer(status: int, response: str) -> tuple[int, object]:
        return status, {"transactions": [{"endToEndIdentification": end_to_end, "response": response}], "halLinks": []}

    right = (transfer["amount"] == {"instructedAmount": 0.01, "currency": "GBP"} and len(end_to_end) <= 35
             and instruction["debtorAccount"]["identification"]["iban"] == DEBTOR_IBAN and is_reference(reference))
    if not right:
        return 422, {"title": "Validation", "errors": {"paymentInstructions[0]": ["malformed"]}}
    if len(account) != 14 or not account.isdigit() or account.endswith(INVALID):
        return answer(400, "InvalidAccount")
    with bank.lock:
        if any(p.provider == "clearbank" and p.session == end_to_end for p in bank.pennies):
            return answer(400, "InvalidInstructionIdentification")
        bank.book("clearbank", end_to_end, account, transfer["creditor"]["name"], reference)
    if account.endswith(CUT):
        raise Drop
    return answer(202, "Accepted")


def clearbank_transactions(bank: Bank, query: dict[str, str]) -> tuple[int, object]:
    size, page = int(query.get("pageSize", "50")), int(query.get("pageNumber", "1"))
    start, end = (datetime.fromisoformat(query[name].replace("Z", "+00:00")).timestamp() for name in ("startDateTime", "endDateTime"))
    with bank.lock:
        transactions = []
        for penny in (p for p in bank.pennies if p.provider == "clearbank"):
            penny.looked_at()
            final = "RJCT" if penny.returned else "ACSC"
            debit = {
                "transactionId": penny.id, "endToEndIdentifier": penny.session, "debitCreditCode": "DBIT",
                "status": final if penny.looks > 1 else "PDNG", "transactionReference": penny.reference,
                "amount": {"instructedAmount": 0.01, "currency": "GBP"}}
            entries = [(penny.bookedAt, debit)]
            if penny.returned_late and penny.turnedAt is not None:
                # A return is a payment of its own, to us, with the same end-to-end id and its own time.
                entries.append((penny.turnedAt, {**debit, "debitCreditCode": "CRDT", "status": "ACSC"}))
            transactions += [entry for booked_at, entry in entries if start <= booked_at <= end]
    return 200, {"transactions": transactions[(page - 1) * size:page * size], "halLinks": []}


# ---- HTTP

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bank: Bank
    rsa: tuple[int, int] | None

    def log_message(self, *_args) -> None:
        """Requests hold account numbers and codes."""

    def do_GET(self) -> None:
        self.respond(b"")

    def do_POST(self) -> None:
        self.respond(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def respond(self, body: bytes) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        try:
            status, answer = self.answer(url.path, query, body)
        except Drop:
            self.close_connection = True
            return
        except (KeyError, IndexError, TypeError, ValueError) as error:
            status, answer = 400, [{"code": "MALFORMED", "message": type(error).__name__}]
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status in (429, 503):
            self.send_header("Retry-After", "5")
        self.end_headers()
        self.wfile.write(data)

    def answer(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        with self.bank.lock:
            key = f"{self.command} {path}"
            self.bank.calls[key] = self.bank.calls.get(key, 0) + 1
        match (self.command, path):
            case ("GET", "/health"):
                return 200, {"status": "ok"}
            case ("GET", "/statement"):
                return 200, self.bank.statement(query["sortCode"], query["accountNumber"])
            case ("GET", "/pennies"):
                with self.bank.lock:
                    return 200, [asdict(penny) for penny in self.bank.pennies]
            case ("GET", "/calls"):
                with self.bank.lock:
                    return 200, dict(self.bank.calls)
            case ("POST", "/reset"):
                self.bank.reset()
                return 200, {}
        if path.startswith("/modulr/"):
            return self.modulr(path.removeprefix("/modulr"), query, body)
        if path.startswith("/clearbank/"):
            return self.clearbank(path.removeprefix("/clearbank"), query, body)
        return 404, {"error": "not found"}

    def modulr(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        if not modulr_authorized(self.headers):
            return 401, {"error": "Signature is not valid"}
        match (self.command, path):
            case ("POST", "/account-name-check"):
                return modulr_name_check(self.bank, json.loads(body), self.headers)
            case ("POST", "/payments"):
                return modulr_pay(self.bank, json.loads(body), self.headers)
            case ("GET", "/payments"):
                return modulr_find(self.bank, query)
        return 404, []

    def clearbank(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"title": "Unauthorized"}
        request_id = self.headers.get("X-Request-Id", "")
        if not 1 <= len(request_id) <= 83:
            return 400, {"title": "X-Request-Id"}
        if body:
            signature = base64.b64decode(self.headers.get("DigitalSignature", ""))
            if self.rsa is None or not rsa_verifies(*self.rsa, body, signature):
                return 401, {"title": "DigitalSignature"}
            with self.bank.lock:
                if request_id in self.bank.nonces:
                    return 409, {"title": "Conflict"}
                self.bank.nonces[request_id] = (time.time(), 409, {})
        match (self.command, path):
            case ("POST", "/open-banking/outbound/v1/name-verification"):
                return clearbank_name_check(json.loads(body))
            case ("POST", "/v3/payments/fps"):
                return clearbank_pay(self.bank, json.loads(body))
            case ("GET", p) if p == f"/v2/Accounts/{CLEARBANK_ACCOUNT}/Transactions":
                return clearbank_transactions(self.bank, query)
        return 404, {"title": "Not found"}


def start(port: int = 0, key: str | None = None) -> ThreadingHTTPServer:
    """A server that is bound and not yet serving."""
    handler = type("BankHandler", (Handler,), {"bank": Bank(), "rsa": public_numbers(key) if key else None})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    return server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--clearbank-key", type=Path, help="RSA key in PEM; made when the file is not there")
    parser.add_argument("--print-secret", choices=["modulr", "clearbank"], help="print the secret for --port and end")
    options = parser.parse_args()
    key = read_or_make_key(options.clearbank_key) if options.clearbank_key else None
    if options.print_secret:
        if options.print_secret == "clearbank" and key is None:
            parser.error("--print-secret clearbank needs --clearbank-key")
        print(json.dumps(secret(options.print_secret, f"http://127.0.0.1:{options.port}", key)))
        return 0
    server = start(options.port, key)
    url = f"http://127.0.0.1:{server.server_port}"
    providers = ["modulr"] + (["clearbank"] if key else [])
    # One line that says everything; whoever started this reads it.
    print(json.dumps({"url": url, "secrets": {name: secret(name, url, key) for name in providers}}), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
