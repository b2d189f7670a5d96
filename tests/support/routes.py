"""The product's route table, read from its source, so that no test keeps a second list of routes."""

import re
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).resolve().parent.parent.parent / "shared" / "http" / "src"
_ROUTE = re.compile(
    r'^\s*(Post|Get|Put|Patch|Delete)\s+"([^"]+)"\s*=>\s*"([a-z0-9-]+)"\s+(\w+),\s*(\w+),\s*(\w+),\s*'
    r'(?:None|Some\("(\w+)"\)),\s*(?:None|Some\("(\w+)"\));'
)
_SCOPE_CONSTANT = re.compile(r"^const (\w+): Option<Scope> = (?:None|Some\(Scope::(\w+)\));", re.MULTILINE)
_SCOPE_NAME = re.compile(r'^\s*Scope::(\w+) => "([a-z:.]+)",', re.MULTILINE)


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    function: str
    operation: str
    scope: str | None
    contract: str
    request: str | None

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    def filled(self, values: dict[str, str]) -> str:
        return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def scopes() -> list[str]:
    return list(_scope_names().values())


def routes() -> list[Route]:
    """Every route; a line of the table that this cannot read is an error, never left out."""
    text = (_SOURCE / "routes.rs").read_text()
    block = re.search(r"^routes! \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    assert block, "the routes! table is not where it was"
    names = _scope_names()
    constants = {constant: names[scope] if scope else None for constant, scope in _SCOPE_CONSTANT.findall(text)}
    found = []
    for line in block[1].splitlines():
        if not line.strip() or line.strip().startswith("//"):
            continue
        match = _ROUTE.match(line)
        assert match, f"a line of the route table is not understood: {line}"
        method, path, function, operation, scope, contract, request, _ = match.groups()
        found.append(Route(method.upper(), path, function, operation, constants[scope], contract, request))
    return found


def _scope_names() -> dict[str, str]:
    found = dict(_SCOPE_NAME.findall((_SOURCE / "scope.rs").read_text()))
    assert found, "the scopes are not where they were"
    return found
