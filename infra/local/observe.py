"""Looks into a running bundle: function answers, log lines, sent messages, dead letters.

Invariant: nothing here changes the bundle; queues are peeked at, not received from.
"""

import base64
import json
import re
import sys
import time
import urllib.parse
import urllib.request

from emulator import Emulator
from stack import client, function_name

_PLACEHOLDER = re.compile(r"\{\{([A-Za-z.]+)\}\}")
_FOLLOW_SECONDS = 1.0


def fill_event(text: str, facts: dict) -> str:
    """Puts facts of the environment into a sample event: `{{client.partnerId}}`, `{{outputs.CustomerTable}}`.

    A name that is not known stays, so that the function's complaint shows it.
    """

    def value(match: re.Match) -> str:
        found = facts
        for part in match.group(1).split("."):
            if not isinstance(found, dict) or part not in found:
                return match.group(0)
            found = found[part]
        return str(found)

    return _PLACEHOLDER.sub(value, text)


def print_answer(answer: dict) -> None:
    """The log tail on stderr, the payload on stdout, so that the payload can be piped on."""
    print(base64.b64decode(answer.get("LogResult", "")).decode(errors="replace").rstrip(), file=sys.stderr)
    payload = json.loads(answer["Payload"].read() or b"null")
    if isinstance(payload, dict) and isinstance(payload.get("body"), str):
        try:
            payload["body"] = json.loads(payload["body"])
        except json.JSONDecodeError:
            pass
    print(json.dumps(payload, indent=2))


def print_logs(emulator: Emulator, function: str, *, follow: bool) -> None:
    watch, group = client(emulator, "logs"), f"/aws/lambda/{function_name(function)}"
    seen: set[tuple] = set()
    since = 0
    while True:
        for page in watch.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
            for event in page["events"]:
                line = (event["timestamp"], event.get("logStreamName"), event["message"])
                if line not in seen:
                    seen.add(line)
                    since = max(since, event["timestamp"])
                    print(event["message"].rstrip(), flush=True)
        if not follow:
            return
        time.sleep(_FOLLOW_SECONDS)


def print_outbox(emulator: Emulator, outputs: dict) -> None:
    _print_messages("E-mails", _get(emulator, "/_ministack/ses/messages"))
    _print_messages("Text messages", _get(emulator, "/_ministack/sns/sms-messages"))
    for name, url in outputs.items():
        if name.endswith("DeadLettersUrl"):
            waiting = _get(emulator, "/_ministack/sqs/messages?" + urllib.parse.urlencode({"QueueUrl": url}))
            _print_messages(name.removesuffix("Url"), waiting)


def _print_messages(title: str, answer: dict) -> None:
    messages = list(_leaves(answer))
    print(f"{title}: {len(messages) or 'none'}")
    for message in messages:
        print(json.dumps(message, indent=2))


def _leaves(value):
    """The emulator nests its lists by account, region and queue."""
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)


def _get(emulator: Emulator, path: str):
    with urllib.request.urlopen(emulator.endpoint + path, timeout=10) as answer:
        return json.load(answer)
