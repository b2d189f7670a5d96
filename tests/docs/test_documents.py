"""What the documents say, held against what is there.

A reader's first command must not fail on a name that has changed since it was written. Invariant: these tests read files
of the checkout alone, so they need neither a bundle nor a build.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra"))

from template import written  # noqa: E402

NOT_OURS = {".git", ".tools", ".local", "target"}
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not NOT_OURS & set(path.relative_to(ROOT).parts))
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
RUNBOOK = ROOT / "docs" / "runbook.md"

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MAKE_TARGET = re.compile(r"(?<![\w-])make ([a-z][a-z0-9-]*)")
# In these documents: "parameter `X`", "`X` parameter", and `X=value` of something that begins with a capital letter.
PARAMETER = re.compile(r"parameters? `([A-Z]\w+)`|`([A-Z]\w+)` parameter|(?<![\w$-])([A-Z][a-z]\w+)=(?!=)")

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)


@pytest.fixture(scope="module")
def template() -> dict:
    return written()


def code_of(text: str) -> str:
    """Everything that is set as code, in blocks and in lines."""
    return "\n".join(FENCE.findall(text) + re.findall(r"`[^`\n]+`", FENCE.sub("", text)))


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to the headings."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", document.read_text()), re.MULTILINE):
        kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(kept.replace(" ", "-"))
    return found


def rows(document: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    below = document.read_text().split(f"\n{heading}\n", 1)[1]
    section = re.split(r"^## ", below, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def binaries(template: dict) -> set[str]:
    functions = (one for one in template["Resources"].values() if one["Type"] == "AWS::Serverless::Function")
    return {one["Properties"]["CodeUri"].split("/")[-2] for one in functions}


def invocations() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for function, event in re.findall(r"FUNCTION=([a-z-]+) EVENT=([a-z0-9-]+)", document.read_text()):
            yield function, event


@each_document
def test_links_lead_somewhere(document):
    broken = []
    for target in LINK.findall(FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (document.parent / file).resolve() if file else document
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert not broken


@each_document
def test_make_targets_exist(document):
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE_TARGET.findall(code_of(document.read_text()))) <= targets


@each_document
def test_named_stack_parameters_exist(document, template):
    named = {name for names in PARAMETER.findall(document.read_text()) for name in names if name}
    assert named <= set(template["Parameters"])


def test_the_runbook_lists_every_parameter_with_its_default(template):
    listed = {name.strip("`"): default.strip("`") for name, default, _ in rows(RUNBOOK, "## Parameters")}
    there = {name: str(one.get("Default", "required")) or "empty" for name, one in template["Parameters"].items()}
    assert listed == there


def test_the_runbook_lists_every_alarm(template):
    alarms = {name for name, one in template["Resources"].items() if one["Type"] == "AWS::CloudWatch::Alarm"}
    listed = {name for alarm, *_ in rows(RUNBOOK, "## Alarms") for name in re.findall(r"`(\w+)`", alarm)}
    assert listed <= alarms
    # Each function has one of this name; the table has one row for all of them.
    assert {name for name in alarms - listed if not name.endswith("Errors")} == set()


def test_the_table_of_scan_statuses_is_the_one_in_the_code():
    code = (ROOT / "shared" / "domain" / "src" / "scan.rs").read_text()
    written_there = [line[4:] for line in code.splitlines() if re.match(r"//! \| [A-Z]", line)]
    there = [[cell.strip() for cell in line.strip("|").split("|")] for line in written_there]
    told = rows(ROOT / "docs" / "api-cos.md", "## Scans and decisions")
    assert there
    assert [["refused" if cell == "–" else cell for cell in row] for row in told] == there


def test_the_error_codes_are_those_in_the_code():
    code = (ROOT / "shared" / "http" / "src" / "cos_error.rs").read_text()
    told = {number for number, *_ in rows(ROOT / "docs" / "api-cos.md", "## Error codes")}
    assert told == set(re.findall(r"^    \w+ = (\d{4}),$", code, re.MULTILINE))


def test_the_webhook_page_names_every_event():
    code = (ROOT / "functions" / "webhooks" / "src" / "event_name.rs").read_text()
    code = code.split("#[cfg(test)]", 1)[0]
    told = set()
    for first, *_ in rows(ROOT / "docs" / "api-webhooks.md", "## Events"):
        full, *others = re.findall(r"`([\w.]+)`", first)
        told |= {full} | {full.rpartition(".")[0] + other for other in others}
    assert told == set(re.findall(r'"((?:Core|Ekyc)\.[\w.]+|customer\.\w+\.v1)"', code))


def test_every_function_has_sample_events_and_nothing_else_has(template):
    cases = {folder.name: list(folder.glob("*.json")) for folder in (ROOT / "events").iterdir() if folder.is_dir()}
    assert set(cases) == binaries(template)
    assert [name for name, files in cases.items() if not files] == []


def test_sample_events_are_json():
    for file in (ROOT / "events").glob("*/*.json"):
        assert isinstance(json.loads(file.read_text()), dict), file


def test_sample_events_that_documents_name_exist():
    named = set(invocations())
    assert named, "no document invokes a function"
    assert [pair for pair in named if not (ROOT / "events" / pair[0] / f"{pair[1]}.json").is_file()] == []


def test_the_curl_walk_asks_for_the_audience_that_is_deployed(template):
    asked = re.findall(r"audience=(\S+)", (ROOT / "README.md").read_text())
    assert asked == [template["Parameters"]["TokenAudience"]["Default"]]
