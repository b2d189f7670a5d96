"""Waiting for something that happens by itself.

Invariant: no test sleeps for a fixed time and hopes; it says what it waits for, and when that does not come, the failure
shows what was seen last.
"""

import time
from collections.abc import Callable
from typing import TypeVar

# Locally everything asynchronous takes well under a second; this is for a machine that does other things as well.
PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.05

T = TypeVar("T")


class NotInTime(AssertionError):
    """What was waited for did not come."""


def wait_for(what: str, probe: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """Calls `probe` until its answer is true in Python's sense, and gives that answer."""
    deadline = time.monotonic() + seconds
    while True:
        seen = probe()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            raise NotInTime(f"{what} did not happen within {seconds:g} s; last seen: {seen!r}")
        time.sleep(_PAUSE_SECONDS)


def wait_until_equal(what: str, probe: Callable[[], object], expected: object, seconds: float = PATIENCE_SECONDS) -> None:
    """Calls `probe` until it gives exactly `expected`."""
    deadline = time.monotonic() + seconds
    while True:
        seen = probe()
        if seen == expected:
            return
        if time.monotonic() >= deadline:
            raise NotInTime(f"{what} is {seen!r} after {seconds:g} s, expected {expected!r}")
        time.sleep(_PAUSE_SECONDS)


def stays(what: str, probe: Callable[[], object], expected: object, seconds: float) -> None:
    """Watches for `seconds` that `probe` gives `expected` and nothing else, for what must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen = probe()
        if seen != expected:
            raise AssertionError(f"{what} became {seen!r}, must stay {expected!r}")
        time.sleep(_PAUSE_SECONDS)
