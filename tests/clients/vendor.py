"""Runs the Straddle SDK's own test suites against the deployed bundle: `make test-vendor`.

The suites are not part of this repository: the published source packages are fetched by pip, checked against the digests
below, and unpacked into .tools. Between them and the bundle stands the fixture proxy, whose substitutions are printed.
Invariant: what counts is what the suites themselves report; every case of both must pass, and none may be missing.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KEPT = ROOT / ".tools" / "vendor"
sys.path.insert(0, str(HERE.parent))

from support.bundle import Bundle  # noqa: E402

from fixture_proxy import SUBSTITUTIONS, Proxy, Upstream  # noqa: E402


@dataclass(frozen=True)
class Suite:
    """One published version and what its customer part has to report."""

    version: str
    sha256: str
    cases: int


SMOKE = Suite("1.0.5", "5558995e0bdd1dae383d33d5929f99c20fdbd1aa208a9b5fc9caa6b5ae2595d3", 18)
PYTEST = Suite("0.5.0", "573d8e4c8c69040e7fe2107d9070e314aac12e694ea0e520cef645de4bfc15a2", 215)


class NotFetched(Exception):
    """The published package could not be had, or is another one."""


def unpacked(suite: Suite) -> Path:
    """The source package's folder, fetched once."""
    folder = KEPT / f"straddle-{suite.version}"
    archive = KEPT / f"straddle-{suite.version}.tar.gz"
    if not archive.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        fetched = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", "straddle",
             "--dest", str(KEPT), f"straddle=={suite.version}"],
            check=False,
        )
        if fetched.returncode != 0:
            raise NotFetched(f"pip could not download the source package of straddle {suite.version}")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != suite.sha256:
        raise NotFetched(f"{archive.relative_to(ROOT)} is not the published package")
    if not folder.exists():
        with tarfile.open(archive) as packed:
            packed.extractall(KEPT, filter="data")
    return folder


def interpreter(suite: Suite) -> Path:
    """A Python with this version of the SDK."""
    venv = Path(".tools") / "vendor" / f"venv-{suite.version}"
    requirements = HERE / f"requirements-vendor-{suite.version}.txt"
    subprocess.run([sys.executable, str(ROOT / "infra" / "tools.py"), str(requirements), str(venv)], check=True)
    return ROOT / venv / "bin" / "python"


def smoke(suite: Suite, url: str) -> int:
    """How many samples of the smoke test passed."""
    folder = unpacked(suite)
    report = KEPT / "smoke-report.json"
    report.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "STRADDLE_BASE_URL": url,
        "BEARER": "a-placeholder",
        "SCALAR_SMOKE_FILTER": "/v1/customers",
        "SCALAR_SMOKE_REPORT": str(report),
    }
    subprocess.run([str(interpreter(suite)), "tests/smoke-test.py"], cwd=folder, env=environment, check=False)
    if not report.exists():
        return 0
    results = json.loads(report.read_text())["results"]
    for result in results:
        if result["status"] != "passed":
            print(f"FAILED {result['method']} {result['path']} [{result.get('label')}]\n{result.get('error', '')}")
    return sum(result["status"] == "passed" for result in results)


def pytest_suite(suite: Suite, url: str) -> int:
    """How many runs of the pytest suite passed; skipped ones do not count."""
    folder = unpacked(suite)
    ran = subprocess.run(
        [str(interpreter(suite)), "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "--quiet",
         "tests/api_resources/test_customers.py", "tests/api_resources/customers"],
        cwd=folder,
        env={**os.environ, "TEST_API_BASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        print(ran.stdout)
    found = re.findall(r"(\d+) passed", ran.stdout)
    return int(found[-1]) if found else 0


def main() -> int:
    bundle = Bundle(os.environ["GATEHOUSE_ENVIRONMENT"])
    partner = bundle.new_partner()
    upstream = Upstream(bundle.base_url, lambda: bundle.api.authenticate(partner.client_id, partner.client_secret).token)
    complete = True
    try:
        for suite, run in ((SMOKE, smoke), (PYTEST, pytest_suite)):
            unpacked(suite), interpreter(suite)
            with Proxy(upstream) as proxy:
                begun = time.monotonic()
                passed = run(suite, proxy.url)
                print(f"straddle {suite.version}: {passed}/{suite.cases} passed in {time.monotonic() - begun:.0f} s")
                for name, count in sorted(proxy.fixtures.counts.items()):
                    print(f"  {count:4} × {name}: {SUBSTITUTIONS[name]}")
                for failure in proxy.failures:
                    print(f"  {failure}")
                complete &= passed == suite.cases and not proxy.failures
    except NotFetched as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
