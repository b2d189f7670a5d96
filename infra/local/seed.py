"""Gives a fresh bundle what a developer needs: one sandbox partner with credentials and one customer, and sample watchlists.

Both go through the product's own doors (the client-admin function, the watchlist bucket), never into a table.
Invariant: running it again changes nothing that is already there.
"""

import json

from emulator import Emulator
from observe import fill_event
from paths import EVENTS, SAMPLES
from stack import client, environment_file, function_name, write_environment

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
    if "customer" not in known:
        write_environment(emulator, {"customer": _create_customer(emulator)})
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


def _create_customer(emulator: Emulator) -> dict:
    """The customer of the sample events, made by one of them."""
    facts = json.loads(environment_file(emulator.directory).read_text())
    event = json.loads(fill_event((EVENTS / "customer-create" / "personal.json").read_text(), facts))
    answer = invoke(emulator, "customer-create", event)
    if answer["statusCode"] != 200:
        raise SeedingFailed(f"customer-create answered {answer['statusCode']}: {answer['body']}")
    return {"id": json.loads(answer["body"])["id"]}


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


def invoke(emulator: Emulator, function: str, payload: dict) -> dict:
    """Calls a function and answers its result; a function error raises with the function's own words."""
    answer = client(emulator, "lambda").invoke(FunctionName=function_name(function), Payload=json.dumps(payload).encode())
    body = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        raise SeedingFailed(f"{function} failed: {json.dumps(body)}")
    return body
