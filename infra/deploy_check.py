"""Checks what can be known of a deployment without an account.

Three things, each of which has its own exit line: the template passes cfn-lint, the SAM transform accepts it and keeps
every function's own role, and the x86-64 build asks for no glibc symbol that Amazon Linux 2023 lacks. Invariant: it
needs no network beyond the package registries and changes nothing outside the checkout.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "infra" / "template.yaml"
BUILD_TOOLS = ROOT / ".tools" / "build"
# provided.al2023 has glibc 2.34.
NEWEST_GLIBC = (2, 34)
TARGET = f"x86_64-unknown-linux-gnu.{NEWEST_GLIBC[0]}.{NEWEST_GLIBC[1]}"
# One function that only answers and one that speaks TLS to strangers: between them they link every C dependency.
SAMPLE_FUNCTIONS = ("token-issue", "webhook-dispatch")


class CheckFailed(Exception):
    """The message names what is wrong."""


def lint() -> str:
    run = "from cfnlint.runner import main; main()"
    if subprocess.run([sys.executable, "-c", run, str(TEMPLATE)], check=False).returncode != 0:
        raise CheckFailed("cfn-lint found the above in infra/template.yaml")
    return "cfn-lint has no complaint"


def transform() -> str:
    sys.path.insert(0, str(ROOT / "infra"))
    from template import transformed

    resources = transformed({"Hosting": "aws", "TokenIssuer": "https://gatehouse.example"})["Resources"]
    functions = {name: body for name, body in resources.items() if body["Type"] == "AWS::Lambda::Function"}
    roles = [str(body["Properties"]["Role"]) for body in functions.values()]
    if not functions or len(set(roles)) != len(functions):
        raise CheckFailed("after the transform some functions share a role")
    return f"the SAM transform gives {len(resources)} resources, {len(functions)} functions with a role each"


def glibc(functions: tuple[str, ...]) -> str:
    environment = {
        **os.environ,
        "PATH": f"{BUILD_TOOLS / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CARGO_ZIGBUILD_CACHE_DIR": str(ROOT / ".tools" / "zig"),
        "ZIG_GLOBAL_CACHE_DIR": str(ROOT / ".tools" / "zig"),
    }
    # Does nothing when the toolchain has the target's standard library already.
    subprocess.run(["rustup", "target", "add", "x86_64-unknown-linux-gnu"], cwd=ROOT, check=True)
    # Apart from target/lambda, where the packages of the local bundle are.
    output = ROOT / "target" / "deploy-check"
    command = ["cargo", "lambda", "build", "--release", "--disable-optimizations", "--target", TARGET,
               "--lambda-dir", str(output)]
    for function in functions:
        command += ["--bin", function]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise CheckFailed("the x86-64 deployment build failed; see above")
    newest: tuple[int, ...] = (0,)
    for function in functions:
        needed = needed_glibc(output / function / "bootstrap")
        if needed > NEWEST_GLIBC:
            raise CheckFailed(f"{function} needs glibc {_dotted(needed)}; Amazon Linux 2023 has {_dotted(NEWEST_GLIBC)}")
        newest = max(newest, needed)
    return f"{' and '.join(functions)} need glibc {_dotted(newest)} at most"


def needed_glibc(binary: Path) -> tuple[int, ...]:
    """The newest glibc version among an ELF file's version needs.

    The names stand as NUL-terminated strings in the dynamic string table; the file has no others of this form, since
    symbol versions are the only place where glibc's are spelled.
    """
    versions = re.findall(rb"\x00GLIBC_(\d+(?:\.\d+)+)(?=\x00)", binary.read_bytes())
    if not versions:
        raise CheckFailed(f"{binary} names no glibc version at all: is it a Linux executable?")
    return max(tuple(int(part) for part in version.split(b".")) for version in versions)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checks", nargs="*", default=["lint", "transform", "glibc"], help="lint, transform, glibc")
    arguments = parser.parse_args()
    checks = {"lint": lint, "transform": transform, "glibc": lambda: glibc(SAMPLE_FUNCTIONS)}
    try:
        for name in arguments.checks:
            begun = time.monotonic()
            print(f"deploy-check {name}: {checks[name]()} ({time.monotonic() - begun:.1f} s)", flush=True)
    except CheckFailed as failure:
        print(f"deploy-check: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
