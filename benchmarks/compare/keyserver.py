"""Key server on loopback, over HTTP or TLS, with faults and a count of fetches."""

import atexit
import json
import os
import ssl
import threading
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fastapi_cognito_guard.testing import FakeUserPool

Fault = Literal["500", "junk", "slow"]

SLOW = 8.0  # seconds
_JUNK = b"<!doctype html><title>Not keys</title>"


class KeyServer:
    """Server of a pool's keys. Until it is started, connections to its port are refused."""

    def __init__(self, *, tls: bool = False) -> None:
        self.fetches = 0
        self.fault: Fault | None = None
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._make_handler(), bind_and_activate=False)
        self._server.server_bind()
        self._thread: threading.Thread | None = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(make_certificate())
            self._server.context = context
        self.base = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        self.address = f"{self.base}/.well-known/jwks.json"

    def __enter__(self) -> "KeyServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def publish(self, pool: FakeUserPool) -> None:
        """Serve the keys that the pool has at the time of each fetch."""
        self._pool = pool

    def start(self) -> None:
        """Listen."""
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._closing.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(timeout=5)
            self._thread = None
        self._server.server_close()

    def _answer(self, path: str) -> tuple[int, bytes]:
        if path.endswith("openid-configuration"):
            return 200, json.dumps({"issuer": self._pool.issuer, "jwks_uri": self.address}).encode()
        self.fetches += 1
        if self.fault == "500":
            return 500, b'{"message": "Internal Server Error"}'
        if self.fault == "junk":
            return 200, _JUNK
        if self.fault == "slow":
            self._closing.wait(SLOW)
        return 200, json.dumps(self._pool.jwks).encode()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            timeout = 15

            def do_GET(self) -> None:
                status, body = answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    context: ssl.SSLContext | None = None
    block_on_close = False

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Make the TLS handshake in the request's own thread, so that nobody else waits for it."""
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that have hung up."""


@cache
def make_certificate() -> Path:
    """Make a certificate for 127.0.0.1, and let the libraries of this and of new processes trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    public = key.public_key()
    builder = x509.CertificateBuilder(name, name, public, x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    usage = dict.fromkeys(
        "content_commitment key_encipherment data_encipherment key_agreement crl_sign".split(), False
    )
    extensions = (
        (x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False),
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False),
        (
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                encipher_only=False,
                decipher_only=False,
                **usage,
            ),
            True,
        ),
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    directory = mkdtemp(prefix="compare-")
    atexit.register(rmtree, directory, ignore_errors=True)
    path = Path(directory, "certificate.pem")
    path.touch(mode=0o600)
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    os.environ["SSL_CERT_FILE"] = os.environ["NODE_EXTRA_CA_CERTS"] = str(path)
    return path
