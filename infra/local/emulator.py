"""Starts and stops one MiniStack per name, each with its own port and its own directory under `.local/`.

Invariant: at most one emulator runs per name, and stopping it ends every function process it started, because they
share its process group. State is in memory, so stopping forgets it.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from paths import REGION, state_dir

START_LIMIT_SECONDS = 30
STOP_LIMIT_SECONDS = 10


class EmulatorFailed(Exception):
    """The emulator cannot be started; the message says what to do."""


@dataclass(frozen=True)
class Emulator:
    name: str
    port: int

    @property
    def directory(self) -> Path:
        return state_dir(self.name)

    @property
    def log(self) -> Path:
        return self.directory / "emulator.log"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def start(self) -> None:
        """Starts a new emulator; the caller has made sure that none runs under this name."""
        if _port_is_taken(self.port):
            raise EmulatorFailed(f"Port {self.port} is in use by another program. Choose one with PORT=…")
        temporary = self.directory / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        # Functions inherit this environment, so it holds nothing of the developer's own shell.
        environment = {
            "PATH": os.defpath,
            "HOME": str(self.directory),
            "TMPDIR": str(temporary),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AWS_ENDPOINT_URL": self.endpoint,
            "RUST_BACKTRACE": "1",
        }
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("launch_emulator.py"))],
                env=environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (self.directory / "pid").write_text(f"{process.pid} {self.port}\n")
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise EmulatorFailed(f"The emulator ended with code {process.returncode}. Its log: {self.log}")
            if self.is_healthy():
                return
            time.sleep(0.05)
        stop(self.name)
        raise EmulatorFailed(f"The emulator did not answer within {START_LIMIT_SECONDS} s. Its log: {self.log}")


def running(name: str) -> Emulator | None:
    """The emulator that runs under this name, if it answers."""
    pid, port = _recorded(name)
    if pid is None or port is None or not _is_alive(pid):
        return None
    emulator = Emulator(name, port)
    return emulator if emulator.is_healthy() else None


def stop(name: str) -> bool:
    """Ends the emulator and its functions; answers whether there was one."""
    pid, _ = _recorded(name)
    (state_dir(name) / "pid").unlink(missing_ok=True)
    if pid is None or not _is_alive(pid):
        return False
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, signal_number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + STOP_LIMIT_SECONDS
        while time.monotonic() < deadline:
            if not _group_is_alive(pid):
                return True
            time.sleep(0.05)
    return True


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _recorded(name: str) -> tuple[int | None, int | None]:
    try:
        pid, port = (state_dir(name) / "pid").read_text().split()
        return int(pid), int(port)
    except (FileNotFoundError, ValueError):
        return None, None


def _is_alive(pid: int) -> bool:
    # A child of this very process must be collected first, or it stays visible after its end.
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A number can be reused after a reboot: only a session leader that we started counts.
    try:
        return os.getsid(pid) == pid
    except (ProcessLookupError, PermissionError):
        return False


def _group_is_alive(group: int) -> bool:
    try:
        os.waitpid(group, os.WNOHANG)
    except ChildProcessError:
        pass
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _port_is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
