"""Where things are in this checkout, and the emulator's names. Nothing here depends on the machine."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATE = ROOT / "infra" / "template.yaml"
PACKAGES = ROOT / "target" / "lambda"
EVENTS = ROOT / "events"
LOCAL = ROOT / ".local"
BANK = ROOT / "tests" / "support" / "bank_stub.py"
SAMPLES = ROOT / "shared" / "screening" / "samples"

STACK = "gatehouse"
REGION = "us-east-1"
# The emulator's root user. Functions do not get these: each runs with the session of its own role.
ROOT_KEY = "test"
ROOT_SECRET = "test"


def state_dir(name: str) -> Path:
    """Everything one running bundle keeps: `.local/<name>/`."""
    return LOCAL / name
