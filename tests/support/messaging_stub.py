"""AWS End User Messaging for tests: it takes texts and calls as the service documents it, and keeps them.

The emulator does not have this service. Invariant: what the service would refuse is refused (an unsigned request, a
member that is missing or out of its range), so that a message that arrives here would have arrived there.
"""

import json
import re
import threading
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_NUMBER = re.compile(r"\+?[1-9][0-9]{1,18}")
_IDENTITY = re.compile(r"[A-Za-z0-9_:/\+-]{1,256}")
_VOICES = {"AMY", "BIANCA", "EMMA", "JOANNA", "LEA", "LUCIA", "VICKI"}
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=\S+/\d{8}/[a-z0-9-]+/sms-voice/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}")


@dataclass
class Taken:
    """One message that was taken."""

    operation: str
    body: dict


class Refusal(Exception):
    """What the service answers instead of taking a message."""

    def __init__(self, status: int, kind: str, **members: object) -> None:
        super().__init__(kind)
        self.status, self.body = status, {"__type": kind, "Message": "refused", **members}


class HangUp(Exception):
    """The connection ends without an answer; the message was taken all the same."""


class Messaging:
    """A running stand-in. `behaviour` is called for each message that would be taken and may raise."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.behaviour = lambda message: None
        messaging = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments) -> None:
                """Requests hold numbers and codes."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    status, answer = 200, {"MessageId": messaging.take(self.headers, body)}
                except Refusal as refusal:
                    status, answer = refusal.status, refusal.body
                except HangUp:
                    self.close_connection = True
                    return
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Messaging":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers, raw: bytes) -> str:
        if not _SIGNED.fullmatch(headers.get("Authorization", "")):
            raise Refusal(403, "AccessDeniedException")
        operation = headers.get("X-Amz-Target", "").removeprefix("PinpointSMSVoiceV2.")
        body = json.loads(raw)
        wrong = faults(operation, body)
        if wrong:
            raise Refusal(400, "ValidationException", Reason="FIELD_VALIDATION_FAILED",
                          Fields=[{"Name": name, "Message": "wrong"} for name in wrong])
        message = Taken(operation, body)
        try:
            self.behaviour(message)
        except HangUp:
            self.taken.append(message)
            raise
        self.taken.append(message)
        return str(uuid.uuid4())

    def to(self, number: str) -> list[Taken]:
        return [message for message in self.taken if message.body["DestinationPhoneNumber"] == number]


def faults(operation: str, body: dict) -> list[str]:
    """The members that the service's reference would not allow."""
    wrong = []
    if not _NUMBER.fullmatch(str(body.get("DestinationPhoneNumber"))):
        wrong.append("DestinationPhoneNumber")
    if not 5 <= body.get("TimeToLive", 5) <= 259_200:
        wrong.append("TimeToLive")
    identity = body.get("OriginationIdentity")
    if identity is not None and not _IDENTITY.fullmatch(identity):
        wrong.append("OriginationIdentity")
    text = body.get("MessageBody", "")
    if operation == "SendTextMessage":
        if not 1 <= len(text) <= 1600:
            wrong.append("MessageBody")
        if body.get("MessageType", "TRANSACTIONAL") not in ("TRANSACTIONAL", "PROMOTIONAL"):
            wrong.append("MessageType")
    elif operation == "SendVoiceMessage":
        if identity is None:
            wrong.append("OriginationIdentity")
        if not 1 <= len(text) <= 6000 or not (text.startswith("<speak>") and text.endswith("</speak>")):
            wrong.append("MessageBody")
        if body.get("MessageBodyTextType") != "SSML" or body.get("VoiceId") not in _VOICES:
            wrong.append("VoiceId")
    else:
        wrong.append("operation")
    return wrong
