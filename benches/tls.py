"""Measures the first TLS call of a process, as the functions are built and with the entropy source they switch off.

A TLS 1.3 server with a P-256 certificate listens on loopback, and a small program with the product's HTTP client calls it
twice. Invariant: both programs are the same source with the same profile; only the build flag differs.
"""

import json
import os
import ssl
import statistics
import subprocess
import tempfile
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 10
FLAG = "AWS_LC_SYS_NO_JITTER_ENTROPY"


def build(flag: str, target: Path) -> Path:
    """The program built with the flag set to `flag`; the flag counts when the TLS library is compiled."""
    environment = {**os.environ, FLAG: flag, "CARGO_TARGET_DIR": str(target)}
    command = ["cargo", "build", "--release", "--package", "first-call"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return target / "release" / "first-call"


def measure(binary: Path) -> tuple[float, float]:
    """Median milliseconds of the first and of the second call."""
    with tempfile.TemporaryDirectory() as folder, _Server(Path(folder)) as server:
        runs = [_run(binary, server) for _ in range(ROUNDS)]
    return statistics.median(run["first"] for run in runs), statistics.median(run["second"] for run in runs)


def _run(binary: Path, server: "_Server") -> dict:
    environment = {**os.environ, "SSL_CERT_FILE": str(server.certificate)}
    answer = subprocess.run([binary, server.url], env=environment, stdout=subprocess.PIPE, check=True, timeout=60)
    return json.loads(answer.stdout)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; the second would wait 40 ms for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class _Server:
    """An HTTPS server on loopback with a certificate of its own."""

    def __init__(self, folder: Path):
        self.certificate, key = _certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.certificate, key)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate_file, key_file
