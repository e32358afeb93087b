"""What stands between us and a host: names, ports, TLS, proxies, HTTP/2. Each failure is told apart."""

from __future__ import annotations

import logging
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack

import anyio
import pytest
from anyio.abc import AnyByteStream
from fault_host import KEY, QUICK, Certificate, certificate_in, client_of, http, listening, request_of
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from posthog_mcp.backends.posthog.client import Client
from posthog_mcp.errors import Unavailable

GOOD = http(200, {"results": [1]})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate_in(tmp_path_factory.mktemp("tls"))


async def failure_at(address: str) -> Unavailable:
    """What a request to an address fails with, after as many tries as are worth it."""
    client = Client(address, KEY, QUICK)
    with pytest.raises(Unavailable) as raised:
        await client.request("GET", "/api/x/")
    await client.aclose()
    assert raised.value.fix
    assert KEY not in raised.value.as_text()
    return raised.value


async def test_refused_is_told_from_an_unknown_name() -> None:
    refused, unknown = await failure_at("http://127.0.0.1:9"), await failure_at("http://nowhere.invalid")
    assert (refused.context["reason"], unknown.context["reason"]) == ("refused", "dns")
    assert "port" in refused.fix
    assert "spelling" in unknown.fix


@pytest.mark.skipif(sys.platform != "linux", reason="other systems answer for a full backlog")
async def test_a_host_that_takes_no_connection_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        for _ in range(3):
            knocking = waiting.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(full.getsockname())
        found = await failure_at(f"http://127.0.0.1:{full.getsockname()[1]}")
    assert found.context["reason"] == "timeout"
    assert "takes no connection" in found.message


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "http://xn--a.com"])
async def test_what_is_no_address_is_told(address: str) -> None:
    assert "POSTHOG_BASE_URL" in (await failure_at(address)).message


async def test_a_certificate_of_ones_own_is_refused_once(certificate: Certificate) -> None:
    async with client_of(GOOD, tls=certificate.server()) as (client, host):
        with pytest.raises(Unavailable, match="certificate does not verify") as raised:
            await client.request("GET", "/api/x/")
        assert raised.value.context["reason"] == "tls"
        assert "SSL_CERT_FILE" in raised.value.fix
        assert host.requests == []


async def test_it_is_accepted_where_the_fix_was_followed(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    async with client_of(GOOD, tls=certificate.server()) as (client, host):
        assert (await client.request("GET", "/api/x/"))[0] == 200
        assert b"HTTP/1.1\r\n" in host.requests[0]


async def test_plain_http_on_an_https_address_is_told() -> None:
    async def plain(stream: AnyByteStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with listening(plain) as port:
        found = await failure_at(f"https://127.0.0.1:{port}")
    assert found.context["reason"] == "tls"
    assert "http or https" in found.fix


async def test_tls_on_an_http_address_is_told(certificate: Certificate) -> None:
    async with client_of(GOOD, tls=certificate.server()) as (client, _):
        address = client.base_url.replace("https", "http")
        assert (await failure_at(address)).context["reason"] == "broken"


async def test_a_host_that_wants_a_certificate_of_us_is_one_error(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    strict = certificate.server()
    strict.verify_mode = ssl.CERT_REQUIRED
    async with client_of(GOOD, tls=strict) as (client, host):
        with pytest.raises(Unavailable) as raised:
            await client.request("GET", "/api/x/")
        assert raised.value.fix
        assert host.requests == []


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", "httpx[socks]"),
        ("HTTPS_PROXY", "carrier://user:secret@pigeon", "HTTPS_PROXY"),
        ("SSL_CERT_FILE", "/nowhere/certificate.pem", "SSL_CERT_FILE"),
    ],
)
async def test_settings_of_this_machine_that_cannot_be_used_are_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    found = await failure_at("https://127.0.0.1:9")
    assert says in found.as_text()
    assert "secret" not in found.as_text()


class Http2:
    """A host that speaks HTTP/2 only; counts connections, keeps the headers of every request."""

    def __init__(self) -> None:
        self.connections = 0
        self.asked: list[dict[bytes, bytes]] = []

    async def serve(self, stream: AnyByteStream) -> None:
        self.connections += 1
        spoken = H2Connection(H2Configuration(client_side=False))
        spoken.initiate_connection()
        async for data in self.received(stream):
            for event in spoken.receive_data(data):
                if isinstance(event, RequestReceived):
                    self.asked.append(dict(event.headers))
                elif isinstance(event, StreamEnded):
                    spoken.send_headers(event.stream_id, [(":status", "200"), ("content-type", "application/json")])
                    spoken.send_data(event.stream_id, b'{"results": [1]}', end_stream=True)
            await stream.send(spoken.data_to_send())

    async def received(self, stream: AnyByteStream) -> AsyncIterator[bytes]:
        async with stream:
            while True:
                try:
                    yield await stream.receive()
                except anyio.EndOfStream:
                    return


async def test_http2_is_spoken_where_offered_on_one_connection_and_logs_no_key(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    caplog.set_level(logging.DEBUG)
    host = Http2()
    async with listening(host.serve, certificate.server("h2", "http/1.1")) as port:
        client = Client(f"https://127.0.0.1:{port}", KEY, QUICK)
        assert await client.request("GET", "/api/x/") == (200, {"results": [1]})
        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(client.request, "GET", f"/api/{number}/")
        await client.aclose()
    assert host.connections == 1
    assert {asked[b":path"] for asked in host.asked} == {b"/api/x/", *(b"/api/%d/" % n for n in range(10))}
    assert all(asked[b"authorization"] == f"Bearer {KEY}".encode() for asked in host.asked)
    assert "HTTP/2 200" in caplog.text
    assert KEY not in caplog.text


async def test_connections_are_kept_between_requests() -> None:
    connections = 0

    async def kept(stream: AnyByteStream) -> None:
        nonlocal connections
        connections += 1
        async with stream:
            while True:
                try:
                    await request_of(stream)
                except anyio.EndOfStream:
                    return
                await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with listening(kept) as port:
        client = Client(f"http://127.0.0.1:{port}", KEY, QUICK)
        for _ in range(5):
            await client.request("POST", "/api/x/", body={"a": 1})
        await client.aclose()
    assert connections == 1
