"""TLS of the real binary: 1.3 alone, a certificate of its own, another one without a restart."""

import base64
import hashlib
import socket
import ssl
import stat
import time
import urllib.parse

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from taxii2client.v21 import Server

from conftest import USER
from node import PASSWORD, Node


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    node = Node(tmp_path_factory.mktemp("tls") / "node")
    node.user(USER, "analyst")
    node.start("--tls")
    yield node
    node.kill()


@pytest.fixture(autouse=True)
def no_other_authorities(monkeypatch):
    """These go before what a session is told."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def place(node):
    return urllib.parse.urlsplit(node.url).port


def certificate(node):
    return node.directory / "keys" / "tls.crt"


def pin_of(pem):
    public = x509.load_pem_x509_certificate(pem).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def connect(node, **changes):
    context = ssl.create_default_context(cafile=certificate(node))
    for name, value in changes.items():
        setattr(context, name, value)
    context.set_alpn_protocols(["h2", "http/1.1"])
    raw = socket.create_connection(("127.0.0.1", place(node)), timeout=10)
    return context.wrap_socket(raw, server_hostname="localhost")


def told(stream):
    """What /health says over a connection that is open."""
    stream.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return stream.recv(4096).split(b"\r\n")[0]


def test_tls_1_3_and_nothing_older(node):
    with connect(node) as stream:
        assert (stream.version(), stream.selected_alpn_protocol()) == ("TLSv1.3", "h2")
    with pytest.raises(ssl.SSLError):
        connect(node, maximum_version=ssl.TLSVersion.TLSv1_2)


def test_its_own_key_is_its_owners_and_can_be_pinned(node):
    for name in ("tls.key", "tls.crt"):
        assert stat.S_IMODE((node.directory / "keys" / name).stat().st_mode) == 0o600
    assert node.pin == pin_of(certificate(node).read_bytes())


def test_taxii2_client_with_the_certificate_as_its_authority(node):
    url = node.url.replace("127.0.0.1", "localhost")
    with Server(f"{url}/taxii2/", user=USER, password=PASSWORD, verify=str(certificate(node))) as server:
        assert server.title == "Comity" and server.default.collections == []
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{url}/health", timeout=10)


def test_comity_verify_with_the_certificate_as_its_authority(node):
    url = node.url.replace("127.0.0.1", "localhost")
    words = ["verify", url, "--user", USER, "--tls-ca", certificate(node)]
    assert "sound" in node.run(*words, text=PASSWORD + "\n")


def test_a_new_certificate_without_a_restart(node):
    def logged(what, times):
        deadline = time.monotonic() + 20
        while node.log().count(what) < times:
            assert time.monotonic() < deadline, node.log()
            time.sleep(0.02)

    def now():
        with socket.create_connection(("127.0.0.1", place(node)), timeout=10) as raw:
            context = ssl._create_unverified_context()
            with context.wrap_socket(raw) as stream:
                return ssl.DER_cert_to_PEM_cert(stream.getpeercert(binary_form=True)).encode()

    first = now()
    keys = node.directory / "keys"
    other = Node(node.directory.parent / "other")
    other.start("--tls")
    other.stop()
    with connect(node) as stream:
        pass
    context = ssl.create_default_context(cafile=certificate(node))
    raw = socket.create_connection(("127.0.0.1", place(node)), timeout=10)
    with context.wrap_socket(raw, server_hostname="localhost") as stream:
        assert told(stream) == b"HTTP/1.1 200 OK"
        # A key that does not fit the certificate, and a file that is none.
        own = (keys / "tls.key").read_bytes()
        for times, broken in enumerate(((other.directory / "keys" / "tls.key").read_bytes(), b"no key\n"), 1):
            (keys / "tls.key").write_bytes(broken)
            node.hangup()
            logged("the certificate stays as it was", times)
            assert now() == first
        (keys / "tls.key").write_bytes(own)
        for name in ("tls.key", "tls.crt"):
            (keys / name).write_bytes((other.directory / "keys" / name).read_bytes())
        node.hangup()
        logged("the certificate was read again", 1)
        second = now()
        assert second != first and pin_of(second) == other.pin
        assert told(stream) == b"HTTP/1.1 200 OK"
    log = node.log()
    assert "PRIVATE" not in log and "panicked" not in log
