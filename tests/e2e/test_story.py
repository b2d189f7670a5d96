"""The story of `make demo` runs through, and tells when something is not as documented."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.bundle import REGISTRATIONS, Bundle

DEMO = Path(__file__).resolve().parent.parent / "story" / "demo.py"


def tell(patience: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEMO), os.environ["GATEHOUSE_ENVIRONMENT"], "--patience", str(patience)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_the_story_goes_as_documented(bundle: Bundle) -> None:
    told = tell(60)
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr
    for name in ("Onboarded", "Ofac.Changed", "PepScan.Changed"):
        assert f"webhook Core.Customer.{name}" in told.stdout
    assert told.stdout.count("matched entry:") == 3
    assert told.stdout.count("webhook Ekyc.Session.Authenticated") == 2
    assert "the customer's phone shows:" in told.stdout and "the customer's statement shows:" in told.stdout
    assert "the library that receivers use accepts the signature" in told.stdout and "the review is " in told.stdout
    secret, token = bundle.environment["client"]["clientSecret"], bundle.partner.api.token
    assert secret not in told.stdout
    assert token not in told.stdout
    assert bundle.partner.api.get(REGISTRATIONS).expect(200)["results"] == [], "it cleans up behind itself"


def test_without_its_scans_the_story_fails_and_says_where(bundle: Bundle) -> None:
    with bundle.paused("scan-worker"):
        told = tell(10)
    assert told.returncode == 1
    assert "Core.Customer.Ofac.Changed did not arrive" in told.stdout
    assert bundle.partner.api.get(REGISTRATIONS).expect(200)["results"] == []


def test_a_changed_answer_fails_the_story(bundle: Bundle) -> None:
    """With no right to read in clear, the tax id comes masked, which is not what the tutorial shows."""
    environment = Path(os.environ["GATEHOUSE_ENVIRONMENT"])
    made = bundle.new_client(bundle.partner.id, scopes=["customers:read", "customers:write", "webhooks:read", "webhooks:write"])
    other = environment.with_name("environment-masked.json")
    client = {"partnerId": bundle.partner.id, "clientId": made["clientId"], "clientSecret": made["clientSecret"]}
    other.write_text(json.dumps({**bundle.environment, "client": client}))
    command = [sys.executable, str(DEMO), str(other), "--patience", "10"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    other.unlink()
    assert told.returncode == 1
    assert "profile.taxId is '*****8776', expected '119988776'" in told.stdout
