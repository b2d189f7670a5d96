"""Starts MiniStack with small delays taken out of its Lambda Runtime API, and the stand-in for a bank beside it.

Python's http.server sends a reply's headers and body as two packets; with Nagle's algorithm on, the second waits about
40 ms for the function to acknowledge the first. That wait would be on every invocation, and twice on every request that
passes the authorizer. Invariant: nothing about the emulator's answers changes, only when they leave.

The bank is a process of its own in the emulator's group, so that it ends with it. Where it listens and the secret that
opens it stand in `bank.json` before the emulator answers.
"""

import socketserver
import subprocess
import sys
from pathlib import Path

from paths import BANK

socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def open_bank() -> subprocess.Popen:
    bank = subprocess.Popen([sys.executable, str(BANK)], stdout=subprocess.PIPE, text=True)
    assert bank.stdout
    Path("bank.json").write_text(bank.stdout.readline())
    return bank


def main() -> None:
    from ministack.app import main as serve

    sys.argv = ["ministack"]
    bank = open_bank()
    try:
        serve()
    finally:
        bank.terminate()


if __name__ == "__main__":
    main()
