"""Installs the pinned Python tools of one requirements file into a virtual environment of this checkout.

Runs under the system's Python with the standard library alone, because it is what brings everything else. Invariant:
after a run that returned 0, `<venv>/bin/python` sees exactly the pinned packages; a second run costs one file read.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)


def marker_of(requirements: Path) -> str:
    """What must be unchanged for an installed environment to count: the pins and the interpreter."""
    return hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()


def create_environment(venv: Path) -> list[str]:
    """Makes the environment and answers the command that installs packages into it."""
    python = venv / "bin" / "python"
    if subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True, check=False).returncode == 0:
        return [str(python), "-m", "pip", "install"]
    # Debian ships python3 without ensurepip. Its pip, when there, can still fill a plain directory; a wrapper then
    # plays the environment's interpreter, so that nothing else has to know.
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
        raise SystemExit(
            "This Python has neither venv nor pip. Install one of them (on Debian or Ubuntu: apt install python3-venv),\n"
            "or name another interpreter: make PYTHON=/path/to/python3"
        )
    site = venv / "site"
    shutil.rmtree(venv, ignore_errors=True)
    python.parent.mkdir(parents=True)
    site.mkdir()
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{site}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return [sys.executable, "-m", "pip", "install", "--target", str(site)]


def install(requirements: Path, venv: Path) -> None:
    marker = venv / ".installed"
    wanted = marker_of(requirements)
    if marker.exists() and marker.read_text() == wanted:
        return
    print(f"Installing the tools pinned in {requirements.relative_to(ROOT)} into {venv.relative_to(ROOT)} …", flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    command = create_environment(venv)
    subprocess.run(
        [*command, "--quiet", "--disable-pip-version-check", "--requirement", str(requirements)],
        check=True,
        env={**os.environ, "PIP_NO_INPUT": "1"},
    )
    marker.write_text(wanted)


def main() -> int:
    if sys.version_info < OLDEST:
        print(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirements", type=Path)
    parser.add_argument("venv", type=Path)
    arguments = parser.parse_args()
    try:
        install(arguments.requirements.resolve(), (ROOT / arguments.venv).absolute())
    except subprocess.CalledProcessError as failure:
        print(f"Installing failed ({failure.returncode}); see above.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
