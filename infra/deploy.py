"""Builds for AWS and deploys to an account, the two steps of `make deploy`.

One cargo-lambda run builds the whole workspace with the release profile; SAM's own Rust build would compile the shared
dependencies once per function. `--disable-optimizations` keeps cargo-lambda from adding `panic = "abort"`: our profile
unwinds, so that one poison message cannot take its batch along. Invariant: nothing is deployed that this run did not
build.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "infra" / "local"))

from packages import function_names  # noqa: E402

TEMPLATE = ROOT / "infra" / "template.yaml"
# zig links against the glibc of Amazon Linux 2023, whatever this machine has.
TARGETS = {"arm64": "aarch64-unknown-linux-gnu.2.34", "x86_64": "x86_64-unknown-linux-gnu.2.34"}


def build(architecture: str) -> int:
    target = TARGETS[architecture]
    environment = {
        **os.environ,
        "PATH": f"{ROOT / '.tools' / 'build' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CARGO_ZIGBUILD_CACHE_DIR": str(ROOT / ".tools" / "zig"),
        "ZIG_GLOBAL_CACHE_DIR": str(ROOT / ".tools" / "zig"),
    }
    # Does nothing when the toolchain has the target's standard library already.
    added = subprocess.run(["rustup", "target", "add", target.rsplit(".", 2)[0]], cwd=ROOT, check=False)
    if added.returncode != 0:
        return added.returncode
    command = ["cargo", "lambda", "build", "--release", "--disable-optimizations", "--workspace",
               "--output-format", "zip", "--target", target, "--lambda-dir", str(ROOT / "target" / "lambda")]
    for function in function_names():
        command += ["--bin", function]
        # The local bundle's packages stand in the same place; without their marks it packs its own again.
        (ROOT / "target" / "lambda" / function / "bootstrap.sha256").unlink(missing_ok=True)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def deploy(architecture: str, stack: str, issuer: str, further: list[str]) -> int:
    sam = ROOT / ".tools" / "deploy" / "bin" / "python"
    command = [str(sam), "-m", "samcli", "deploy", "--template-file", str(TEMPLATE), "--stack-name", stack,
               "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND",
               "--no-fail-on-empty-changeset",
               "--parameter-overrides", f"Architecture={architecture}", f"TokenIssuer={issuer}", *further]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("build", "deploy"))
    parser.add_argument("architecture", choices=sorted(TARGETS))
    parser.add_argument("--stack", default="")
    parser.add_argument("--issuer", default="")
    parser.add_argument("further", nargs="*", help="more parameters as Name=Value, for example Environment=production")
    arguments = parser.parse_args()
    if arguments.step == "deploy" and not (arguments.stack and arguments.issuer):
        print("Name both: make deploy STACK=gatehouse ISSUER=https://api.your-bank.example", file=sys.stderr)
        return 2
    failed = build(arguments.architecture)
    if failed or arguments.step == "build":
        return failed
    return deploy(arguments.architecture, arguments.stack, arguments.issuer, arguments.further)


if __name__ == "__main__":
    sys.exit(main())
