"""Comparing JSON with what is documented: exact where the contract is exact, by pattern where it makes values up.

Invariant: a field that is not expected is as much a difference as one that is missing.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Matching:
    """Text that fits a pattern as a whole."""

    pattern: str
    what: str

    def __repr__(self) -> str:
        return f"<{self.what}>"


UUID = Matching(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id")
CIF_NUMBER = Matching(r"[0-9]{11}", "11 digits")
# ISO 8601 with a numeric offset and up to 7 fractional digits, as in the contract's samples.
TIME = Matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?[+-]\d\d:\d\d", "a time with a numeric offset")


def differences(expected, actual, path: str = "") -> list[str]:
    """Every difference, each with where it is; none when `actual` is as expected."""
    where = path or "the whole"
    if isinstance(expected, Matching):
        fits = isinstance(actual, str) and re.fullmatch(expected.pattern, actual)
        return [] if fits else [f"{where} is {actual!r}, expected {expected!r}"]
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = []
        for name in [*expected, *(name for name in actual if name not in expected)]:
            inner = f"{path}.{name}" if path else name
            if name not in actual:
                found.append(f"{inner} is missing, expected {expected[name]!r}")
            elif name not in expected:
                found.append(f"{inner} is {actual[name]!r}, expected not to be there")
            else:
                found += differences(expected[name], actual[name], inner)
        return found
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [d for at, (one, two) in enumerate(zip(expected, actual, strict=True)) for d in differences(one, two, f"{path}[{at}]")]
    # True == 1 in Python, not in JSON.
    if type(expected) is not type(actual) and not {type(expected), type(actual)} <= {int, float}:
        return [f"{where} is {actual!r}, expected {expected!r}"]
    return [] if expected == actual else [f"{where} is {actual!r}, expected {expected!r}"]


def same(expected, actual, what: str) -> None:
    """Fails with every difference."""
    found = differences(expected, actual)
    assert not found, f"{what} is not as documented:\n" + "\n".join(f"  {difference}" for difference in found)
