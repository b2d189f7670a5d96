"""What operators see of everything that the other tests have done: one line per invocation, metrics, no personal data.

Runs last. The logs of the whole run are read once.
"""

import re
from collections import Counter

import pytest
from support import samples
from support.bundle import Bundle, Invocation
from support.routes import routes

API_FUNCTIONS = {route.function for route in routes()}
# Tests end these at their fail points; everything else writes its line.
KILLED = {"event-fanout", "scan-request", "scan-schedule", "scan-worker", "watchlist-refresh", "webhook-dispatch", "webhook-events",
          "webhook-registrations", "webhook-sweep", "otp-initiate", "otp-resend", "otp-validate", "penny-drop-initiate", "penny-drop-validate",
          "penny-drop-reconcile"}
# A step is met again and again until its test has seen an end there, and what replaces a function's processes ends
# whatever ten of them are at.
MOST_KILLED = 150
# Tests put their providers out of order, and these say so.
PROVIDED_FOR = {"otp-initiate", "otp-resend", "penny-drop-initiate"}
_RUN = re.compile(r"[^\W_]+")
# Shorter runs of a value stand by chance in ids, whose groups have four digits.
_TELLING = 5


@pytest.fixture(scope="module")
def logs(bundle: Bundle) -> dict[str, list[Invocation]]:
    prefix = f"/aws/lambda/{bundle.environment['stack']}-"
    return {group.removeprefix(prefix): bundle.invocations(group) for group in bundle.log_groups()}


def records(logs: dict[str, list[Invocation]]) -> list[tuple[str, dict]]:
    return [(name, record) for name, found in logs.items() for invocation in found for record in invocation.records]


def test_every_function_has_been_at_work(logs: dict[str, list[Invocation]]) -> None:
    assert [name for name, found in logs.items() if not found] == []
    assert len(logs) >= 20


def test_each_invocation_writes_one_line_with_the_agreed_fields(logs: dict[str, list[Invocation]]) -> None:
    silent: Counter[str] = Counter()
    for name, found in logs.items():
        for invocation in found:
            if not invocation.records:
                silent[name] += 1
                continue
            assert len(invocation.records) == 1, f"{name} wrote {len(invocation.records)} lines in one invocation"
            [record] = invocation.records
            assert record["request_id"] == invocation.request_id
            assert record["function"] == name
            assert record["environment"]
            assert record["level"] in ("INFO", "ERROR")
            assert record["duration_ms"] > 0
            if name in API_FUNCTIONS:
                assert re.fullmatch(r"[A-Z]+ /\S*", record["route"]), record
                assert record["status"] >= 200
                assert record["api_request_id"]
    assert set(silent) <= KILLED
    assert silent.total() <= MOST_KILLED, silent
    # However seldom a function is called: most of its invocations end by themselves.
    assert [name for name, times in silent.items() if times * 2 > len(logs[name])] == []


def test_lines_of_authenticated_requests_name_partner_and_client(logs: dict[str, list[Invocation]]) -> None:
    """A token is issued to a client; who is refused one is nobody yet."""
    for name, record in records(logs):
        if name == "token-issue":
            assert {"partner", "client"} <= set(record) or record["outcome"] != "ok", record
            assert record["status"] != 401 or (record["outcome"], record["refusal"]) == ("refused", "invalid_client")
        elif name in API_FUNCTIONS - {"token-keys"} and record["status"] not in (401, 404, 413):
            assert {"partner", "client"} <= set(record), record


def test_each_lines_metrics_are_well_formed(logs: dict[str, list[Invocation]]) -> None:
    """The embedded metric format: what is announced is there, as a number, under known dimensions."""
    seen: set[str] = set()
    for _, record in records(logs):
        [directive] = record["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Gatehouse"
        assert isinstance(record["_aws"]["Timestamp"], int)
        for dimensions in directive["Dimensions"]:
            assert all(isinstance(record[dimension], str) for dimension in dimensions)
        for metric in directive["Metrics"]:
            assert metric["Unit"] in ("Milliseconds", "Count")
            assert isinstance(record[metric["Name"]], (int, float)), metric
            seen.add(metric["Name"])
    assert {"duration_ms", "failures", "dynamodb_round_trips", "ScansHit", "ScansCleared", "DeliveriesSucceeded", "DeliveriesFailed",
            "RegistrationsSuspended", "EventsFannedOut", "Replays"} <= seen


def test_ordinary_requests_do_not_count_as_failures(logs: dict[str, list[Invocation]]) -> None:
    for name, record in records(logs):
        if name in API_FUNCTIONS:
            assert (record["failures"] == 1) == (record["status"] >= 500), record


def test_no_request_ended_in_an_internal_error(logs: dict[str, list[Invocation]]) -> None:
    """None of these tests asks for one, so each would be a defect."""
    failed = [record for name, record in records(logs) if name in API_FUNCTIONS and record["status"] >= 500]
    internal = [record for record in failed if record["status"] != 503 or record["function"] not in PROVIDED_FOR]
    assert not internal, internal[:5]


def _runs(line: str) -> list[str]:
    return _RUN.findall(samples.ID_HEAD.sub("", line))


def test_a_number_counts_where_it_stands_and_not_as_the_beginning_of_an_id() -> None:
    for line in ("of 20193145", '"account":"20193145"', "20193145-9e67", "20193145-9e67-7cf5-afe3-e648d20c6991x"):
        assert "20193145" in _runs(line), line
    assert _runs("of 20193145-9e67-7cf5-afe3-e648d20c6991") == ["of", "9e67", "7cf5", "afe3", "e648d20c6991"]


def test_nobodys_data_and_no_secret_is_in_any_log(logs: dict[str, list[Invocation]]) -> None:
    """Every name, number, address and credential of this run, looked for in every line of every function.

    Each is looked for by its longest run of letters and digits, whole: a number of nine digits counts where it stands
    alone and not where it happens to lie inside a longer one. A run that any id may contain is looked for with the rest
    of its value.
    """
    assert len(samples.PRIVATE) > 300
    story = ["Smith", "119988776", "2015552345", "Arellano", "Putin", "Diamond"]
    private = {max(_RUN.findall(value), key=len).lower(): value for value in [*samples.PRIVATE, *story]}
    broken = {value for run, value in private.items() if len(run) < _TELLING and run != value.lower()}
    private = {run: value for run, value in private.items() if value not in broken}
    for name, found in logs.items():
        told = {run.lower() for invocation in found for line in invocation.written for run in _runs(line)} & set(private)
        assert not told, f"{name} logged {[private[run] for run in told]}"
        assert not any(value in line for invocation in found for line in invocation.written for value in broken), name
        assert not any("ghs_" in line for invocation in found for line in invocation.written), name


def test_no_token_is_in_any_log(logs: dict[str, list[Invocation]]) -> None:
    for name, found in logs.items():
        for invocation in found:
            assert not re.search(r"eyJ[A-Za-z0-9_-]{10,}\.eyJ", "\n".join(invocation.written)), name


def test_nothing_is_left_behind(bundle: Bundle) -> None:
    """All queues are worked off; the dead-letter queues hold what tests have put there and nothing else."""
    for queue in ("DeliveryDeadLettersUrl", "ScanRequestDeadLettersUrl", "EventFanoutDeadLettersUrl", "ScheduledDeadLettersUrl"):
        assert bundle.waiting_in(queue) == 0, queue
    assert bundle.waiting_in("ScanDeadLettersUrl") <= 1
