"""Prints a conversation with the API as it happens: requests, replies, and webhooks as they arrive.

Invariant: what is printed is what was sent and received, except that secrets and tokens are shortened.
"""

import json
import re
import sys
import threading
import time

from .api import Answer, Call
from .receiver import Delivery

_SECRET = re.compile(r"(client_secret=)[^&]+")
_TOKEN = re.compile(r'("access_token": ")([^"]{12})[^"]*')
_SHOWN_HEADERS = ("idempotency-key",)
_SHOWN_ANSWER_HEADERS = ("original-request-id",)


def _shortened(match: re.Match) -> str:
    return "".join(match.groups()) + "…"


class Transcript:
    """Writes to a stream; in colour only when somebody is watching."""

    def __init__(self, stream=sys.stdout, colour: bool | None = None) -> None:
        self._stream = stream
        self._colour = stream.isatty() if colour is None else colour
        self._lock = threading.Lock()
        self._begun = time.time()

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def _write(self, lines: list[str]) -> None:
        # One write per exchange, so that a webhook arriving meanwhile stands between exchanges and not inside one.
        with self._lock:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()

    def heading(self, text: str) -> None:
        self._write(["", self._paint("1", text)])

    def note(self, text: str) -> None:
        self._write([f"  {text}"])

    def passed(self, text: str) -> None:
        self._write([f"  {self._paint('32', '✓')} {text}"])

    def failed(self, text: str) -> None:
        self._write(["", self._paint("1;31", "✗ NOT AS DOCUMENTED"), text])

    def exchange(self, call: Call, answer: Answer) -> None:
        lines = [f"  {self._paint('36', '→')} {self._paint('1', f'{call.method} {call.path}')}"]
        lines += [f"    {name}: {value}" for name, value in call.headers.items() if name.lower() in _SHOWN_HEADERS]
        if call.body:
            text = call.body.decode()
            kind = {name.lower(): value for name, value in call.headers.items()}.get("content-type", "")
            lines += self._body(text) if "json" in kind else [f"    {_SECRET.sub(_shortened, text)}"]
        took = f"{answer.seconds * 1000:.0f} ms"
        lines.append(f"  {self._paint('32' if answer.status < 400 else '31', '←')} {answer.status} in {took}")
        lines += [f"    {name}: {answer.headers[name]}" for name in _SHOWN_ANSWER_HEADERS if name in answer.headers]
        if answer.text:
            lines += self._body(answer.text)
        self._write(lines)

    def webhook(self, delivery: Delivery) -> None:
        event = delivery.event
        after = f"{delivery.at - self._begun:.1f} s into the story"
        lines = [f"  {self._paint('35', '⇐')} {self._paint('1;35', 'webhook ' + event['eventName'])}, {after}"]
        self._write(lines + self._body(delivery.raw.decode()))

    def _body(self, text: str) -> list[str]:
        try:
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except json.JSONDecodeError:
            pass
        text = _TOKEN.sub(_shortened, text)
        return [f"    {line}" for line in text.splitlines()]
