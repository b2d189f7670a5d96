"""The same story with the official Node SDK; skipped, saying so, where there is no Node."""

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from people import SCOPES, Crowd, sdk, somebody
from support import samples
from support.bundle import Bundle, Partner
from support.receiver import Receiver

HERE = Path(__file__).resolve().parent / "node"
INSTALLED = HERE.parent.parent.parent / ".tools" / "node"
STEPS = 11


@pytest.fixture(scope="module")
def packages() -> Path:
    """The locked packages, installed once into the checkout's tools."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no Node on this machine: the story with the Node SDK is not told")
    lock = HERE / "package-lock.json"
    wanted, marker = hashlib.sha256(lock.read_bytes()).hexdigest(), INSTALLED / ".installed"
    if not marker.exists() or marker.read_text() != wanted:
        shutil.rmtree(INSTALLED, ignore_errors=True)
        INSTALLED.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, INSTALLED / name)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=INSTALLED, check=True)
        marker.write_text(wanted)
    return INSTALLED / "node_modules"


def delivery(partner: Partner, receiver: Receiver, client) -> dict:
    """A captured delivery and what verifies it."""
    endpoint = receiver.endpoint()
    registered = partner.register("customer.event.v1", endpoint.url)
    client.customers.create(**somebody())
    caught = endpoint.wait_for_deliveries(1)[0]
    partner.api.delete(f"/webhooks/v1/registrations/{registered['id']}").expect(200)
    return {"body": caught.raw.decode(), "headers": caught.headers, "secret": samples.private(registered["signingSecret"])}


def test_the_story_with_the_node_sdk(packages: Path, bundle: Bundle, partner: Partner, stranger: Partner, receiver: Receiver, crowd: Crowd) -> None:
    people = [{name: sent[name] for name in ("name", "email", "phone")} for sent in (somebody() for _ in range(30))]
    # The SDK shows times as they are sent; Python has read them, so what is compared is what the API says now.
    rows = {row["id"]: row["created_at"] for number in (1, 2, 3)
            for row in crowd.partner.api.get("/v1/customers", {"page_number": number}).expect(200)["data"]}
    facts = {
        "baseUrl": bundle.base_url,
        "token": partner.api_with(SCOPES).token,
        "unmaskToken": partner.unmasked.token,
        "readToken": partner.api_with("customers:read").token,
        "strangerToken": stranger.api_with(SCOPES).token,
        "crowdToken": crowd.partner.api_with(SCOPES).token,
        "people": people,
        "profile": {"ssn": samples.private("219-09-4417"), "dob": samples.private("1988-02-14")},
        "crowd": [{**dataclasses.asdict(member), "created_at": rows[member.id]} for member in crowd.members],
        "delivery": delivery(partner, receiver, sdk(bundle, partner)),
    }
    told = subprocess.run(
        ["node", str(HERE / "story.cjs")],
        input=json.dumps(facts),
        env={**os.environ, "NODE_PATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
    assert sum(line.startswith("ok ") for line in told.stdout.splitlines()) == STEPS, told.stdout
