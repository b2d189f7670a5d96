"""`make bench`: start-up, size and memory of every function, the first TLS call, and the DynamoDB cost of every operation.

Four tables, and a non-zero exit when a function starts slower than 1.5 times the hello-world function, or an operation
takes more round trips than the design allows. Invariant: release builds are measured for start-up, the deployed bundle
for cost.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "infra" / "local"))

import operations  # noqa: E402
import startup  # noqa: E402
import tls  # noqa: E402
from packages import function_names  # noqa: E402

SLOWEST_START = 1.5
HELLO = "hello"


def build_release(names: list[str]) -> dict[str, Path]:
    command = ["cargo", "build", "--workspace", "--release", "--message-format=json-render-diagnostics"]
    for name in names:
        command += ["--bin", name]
    process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    messages = (json.loads(line) for line in process.stdout.splitlines())
    return {m["target"]["name"]: Path(m["executable"]) for m in messages
            if m.get("reason") == "compiler-artifact" and m.get("executable")}


def print_starts(names: list[str]) -> list[str]:
    binaries = build_release([HELLO, *names])
    starts = startup.measure({name: binaries[name] for name in [HELLO, *names]})
    hello = starts[HELLO].median
    print(f"{'function':24}{'first poll ms':>14}{'x hello':>9}{'size MB':>9}{'peak MB':>9}")
    slow = []
    for name, start in starts.items():
        ratio = start.median / hello
        size = binaries[name].stat().st_size / 1e6
        print(f"{name:24}{start.median:14.2f}{ratio:9.2f}{size:9.2f}{start.peak_kib / 1024:9.1f}")
        if ratio > SLOWEST_START:
            slow.append(f"{name} starts {ratio:.2f} times as slowly as hello")
    return slow


def print_first_calls() -> list[str]:
    print(f"\n{'TLS library':40}{'first call ms':>14}{'second ms':>11}")
    for name, flag, target in (
        ("as built, without jitter entropy", "1", ROOT / "target"),
        ("with jitter entropy, its default", "0", ROOT / "target" / "jitter"),
    ):
        first, second = tls.measure(tls.build(flag, target))
        print(f"{name:40}{first:14.1f}{second:11.1f}")
    return []


def print_costs(environment: Path) -> list[str]:
    import boto3

    facts = json.loads(environment.read_text())
    logs = boto3.client("logs", endpoint_url=facts["endpoint"], region_name=facts["region"],
                        aws_access_key_id=facts["accessKeyId"], aws_secret_access_key=facts["secretAccessKey"])
    sample = json.loads((ROOT / "events" / "customer-create" / "personal.json").read_text())["body"]
    person = json.loads(sample.replace("{{client.partnerId}}", facts["client"]["partnerId"]))
    print(f"\n{'operation':30}{'round trips':>12}{'budget':>8}{'units':>8}")
    over = []
    for cost in operations.measure(operations.Bundle(facts, logs), person):
        print(f"{cost.operation:30}{cost.round_trips:12}{cost.budget or '-':>8}{cost.units:8.1f}")
        if cost.budget and cost.round_trips > cost.budget:
            over.append(f"{cost.operation}: {cost.round_trips} round trips, {cost.budget} allowed")
    return over


# The listings whose pages are measured: the test prints a line for each.
LISTINGS = 6


def print_paging() -> list[str]:
    """Pages of 10,000 customers, over the in-process database that the tests use."""
    command = ["cargo", "test", "--quiet", "--package", "customers", "--lib", "--", "--ignored", "--nocapture",
               "ten_thousand_customers"]
    process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print("\n(page, round trips, units)")
    lines = [line for line in process.stdout.splitlines() if line.startswith("pages of")]
    print("\n".join(lines))
    if process.returncode != 0:
        return ["what a page costs depends on its number, or on how many customers there are"]
    # A test that was renamed is one that cargo passes without running anything.
    return [] if len(lines) == LISTINGS else [f"{len(lines)} of {LISTINGS} listings were measured"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=("all", "starts", "tls", "paging", "costs"), default="all")
    arguments = parser.parse_args()
    problems = []
    if arguments.part in ("all", "starts"):
        problems += print_starts(function_names())
    if arguments.part in ("all", "tls"):
        problems += print_first_calls()
    if arguments.part in ("all", "paging"):
        problems += print_paging()
    if arguments.part in ("all", "costs"):
        environment = os.environ.get("GATEHOUSE_ENVIRONMENT")
        if environment is None:
            # A bundle of its own, so that nothing else writes while this counts.
            command = [sys.executable, str(ROOT / "infra" / "local" / "gatehouse.py"), "run", "--name", "bench", "--",
                       sys.executable, __file__, "costs"]
            if subprocess.run(command, check=False).returncode != 0:
                problems.append("the costs are not as budgeted; see above")
        else:
            problems += print_costs(Path(environment))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
