"""Gives a fresh bundle what a developer needs: one sandbox partner with credentials, a customer and an application,
sample watchlists, a sender of e-mails, and a bank.

The first two go through the product's own doors (the client-admin function, the watchlist bucket), never into a table.
Invariant: running it again changes nothing that is already there.
"""

import json

from emulator import Emulator
from observe import fill_event
from paths import EVENTS, SAMPLES
from stack import LOCAL_PARAMETERS, client, environment_file, function_name, write_environment

# The partner of the contract's examples, so that its sample bodies work as they are.
PARTNER_ID = "11111111-2222-3333-4444-555555555555"


class SeedingFailed(Exception):
    """A function refused or is not as expected."""


def seed(emulator: Emulator) -> dict:
    """Seeds what is missing and answers the environment description."""
    known = json.loads(environment_file(emulator.directory).read_text())
    if "client" not in known:
        write_environment(emulator, {"client": _create_client(emulator)})
    _load_watchlists(emulator, known["outputs"])
    _set_up_sender(emulator)
    write_environment(emulator, {"bankUrl": _set_up_bank(emulator, known["outputs"])})
    if "customer" not in known:
        write_environment(emulator, {"customer": _create(emulator, "customer-create", "personal", "id")})
    if "application" not in known:
        write_environment(emulator, {"application": _create(emulator, "ekyc-subjects", "application", "applicationId")})
    return json.loads(environment_file(emulator.directory).read_text())


def _create_client(emulator: Emulator) -> dict:
    """One client with every scope; the secret is shown once, so it is kept in environment.json."""
    answer = invoke(emulator, "client-admin", {
        "action": "create",
        "partnerId": PARTNER_ID,
        "name": "Sandbox partner",
        "environment": "sandbox",
        "scopes": "all",
    })
    if not isinstance(answer, dict) or not {"clientId", "clientSecret"} <= answer.keys():
        raise SeedingFailed(f"client-admin answered something else than a client: {sorted(answer or {})}")
    return {"partnerId": PARTNER_ID, "clientId": answer["clientId"], "clientSecret": answer["clientSecret"]}


def _create(emulator: Emulator, function: str, case: str, id_name: str) -> dict:
    """What the sample events name, made by one of them."""
    facts = json.loads(environment_file(emulator.directory).read_text())
    event = json.loads(fill_event((EVENTS / function / f"{case}.json").read_text(), facts))
    answer = invoke(emulator, function, event)
    if answer["statusCode"] != 200:
        raise SeedingFailed(f"{function} answered {answer['statusCode']}: {answer['body']}")
    return {"id": json.loads(answer["body"])[id_name]}


def _load_watchlists(emulator: Emulator, outputs: dict) -> None:
    """Uploads `shared/screening/samples/` as it is; watchlist-refresh builds an index of each list that has changed."""
    if not (SAMPLES / "sources.json").is_file():
        raise SeedingFailed(f"No sample watchlists in {SAMPLES}")
    s3, bucket = client(emulator, "s3"), outputs["WatchlistBucket"]
    for file in sorted(path for path in SAMPLES.rglob("*") if path.is_file() and path.suffix != ".md"):
        s3.upload_file(str(file), bucket, file.relative_to(SAMPLES).as_posix())
    for name, result in invoke(emulator, "watchlist-refresh", {}).items():
        if result["result"] == "failed":
            raise SeedingFailed(f"The list {name} was refused: {result['reason']}")


def _set_up_sender(emulator: Emulator) -> None:
    """What an operator does once per account: proves that the address is theirs. The emulator believes it at once."""
    identities = client(emulator, "sesv2")
    address = LOCAL_PARAMETERS["OtpEmailFrom"]
    if address not in [known["IdentityName"] for known in identities.list_email_identities()["EmailIdentities"]]:
        identities.create_email_identity(EmailIdentity=address)


def _set_up_bank(emulator: Emulator, outputs: dict) -> str:
    """Puts the provider's secret where penny drops look for it, and answers where the stand-in for a bank is."""
    bank = json.loads((emulator.directory / "bank.json").read_text())
    wanted = json.dumps(bank["secrets"]["modulr"])
    secrets, name = client(emulator, "secretsmanager"), outputs["BankProviderSecret"]
    try:
        held = secrets.get_secret_value(SecretId=name)["SecretString"]
    except secrets.exceptions.ResourceNotFoundException:
        held = None
    if held != wanted:
        secrets.put_secret_value(SecretId=name, SecretString=wanted)
    return bank["url"]


def invoke(emulator: Emulator, function: str, payload: dict) -> dict:
    """Calls a function and answers its result; a function error raises with the function's own words."""
    answer = client(emulator, "lambda").invoke(FunctionName=function_name(function), Payload=json.dumps(payload).encode())
    body = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        raise SeedingFailed(f"{function} failed: {json.dumps(body)}")
    return body
