"""The network of a test: a name that only this process resolves, proxies, and a server's certificate."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

EMULATOR = "cognito"


def resolve_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve `EMULATOR` to 127.0.0.1, as compose resolves the name of a service."""
    resolve = socket.getaddrinfo

    def find(host: Any, *args: Any, **others: Any) -> Any:
        return resolve("127.0.0.1" if host in (EMULATOR, EMULATOR.encode()) else host, *args, **others)

    monkeypatch.setattr(socket, "getaddrinfo", find)


def use_proxy(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Make this the proxy of the environment, for all addresses."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, address)
        monkeypatch.setenv(name.lower(), address)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def make_server_context(directory: Path) -> ssl.SSLContext:
    """Make the TLS settings of a server with a certificate of its own, written to ``server.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "server.pem").write_bytes(key.private_bytes(*form) + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem")
    return context
