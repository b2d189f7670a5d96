"""Measures how long a function's process takes from its start to its first poll, and what memory it then has.

A stand-in for Lambda's Runtime API notes when the first `GET …/invocation/next` arrives. The figures say how functions
compare on this machine; they are not Lambda's. Invariant: every function is started in turn, round after round, so that
a slow minute of the machine falls on all of them alike.
"""

import socket
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 15
FIRST_POLL_LIMIT_SECONDS = 20

# Names of things that a function only looks up when it serves a request.
SETTINGS = {
    "AUTH_TABLE": "auth", "CUSTOMER_TABLE": "customers", "WEBHOOK_TABLE": "webhooks",
    "SCAN_QUEUE_URL": "http://127.0.0.1:9/scan", "DELIVERY_QUEUE_URL": "http://127.0.0.1:9/delivery",
    "DATA_KEY_ID": "key", "SIGNING_KEY_IDS": "a,b",
    "TOKEN_ISSUER": "https://gatehouse.example", "TOKEN_AUDIENCE": "https://api.example/",
    "WATCHLIST_BUCKET": "lists", "WATCHLIST_MANIFEST_KEY": "manifest.json", "ENVIRONMENT": "sandbox",
    "IDENTITY_PROVIDER_URL": "https://127.0.0.1:9", "IDENTITY_PROVIDER_SECRET_ID": "identity",
    "ADDRESS_PROVIDER_URL": "https://127.0.0.1:9", "ADDRESS_PROVIDER_SECRET_ID": "address",
    "BANK_PROVIDER_SECRET_ID": "bank", "OTP_EMAIL_FROM": "codes@gatehouse.example",
    "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "x",
    "AWS_LAMBDA_FUNCTION_NAME": "bench", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_LOG_STREAM_NAME": "x", "AWS_LAMBDA_LOG_GROUP_NAME": "x",
}


class DidNotStart(Exception):
    """The process ended, or stayed silent, before its first poll."""


@dataclass
class Starts:
    milliseconds: list[float]
    peak_kib: int

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)


def measure(binaries: dict[str, Path]) -> dict[str, Starts]:
    """First-poll times and the greatest memory seen at that moment, per function."""
    starts = {name: Starts([], 0) for name in binaries}
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.25)
        for turn in range(ROUNDS + 1):
            for name, binary in binaries.items():
                took, memory = _start_once(listener, name, binary)
                # The first round reads the files from disk and is not counted.
                if turn:
                    starts[name].milliseconds.append(took)
                starts[name].peak_kib = max(starts[name].peak_kib, memory)
    return starts


def _start_once(listener: socket.socket, name: str, binary: Path) -> tuple[float, int]:
    environment = {**SETTINGS, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{listener.getsockname()[1]}"}
    begun = time.perf_counter()
    process = subprocess.Popen([binary], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        with _first_connection(listener, name, process) as connection:
            request = connection.recv(4096)
            took = (time.perf_counter() - begun) * 1000
            if b"/invocation/next" not in request:
                raise DidNotStart(f"{name} asked for something else first: {request[:200]!r}")
            return took, _peak_kib(process.pid)
    finally:
        process.kill()
        process.communicate()


def _first_connection(listener: socket.socket, name: str, process: subprocess.Popen) -> socket.socket:
    deadline = time.monotonic() + FIRST_POLL_LIMIT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return listener.accept()[0]
        except TimeoutError:
            continue
    process.kill()
    raise DidNotStart(f"{name}: {process.communicate()[0].decode(errors='replace')[:500]}")


def _peak_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
