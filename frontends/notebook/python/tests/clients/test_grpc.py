"""grpcio, reaching a service behind IAP for longer than a token lives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from conftest import EMAIL, Emulator, login

import tokentoss
import tokentoss.grpc
from tokentoss.exceptions import OriginError

LIFETIME = 8  # seconds
PATIENCE = 60  # seconds


class Service(grpc.GenericRpcHandler):
    """Answers with the caller's message, in calls of each kind, and notes who called."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self._server = grpc.server(ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, details: Any) -> Any:
        self.seen.append({key: value for key, value in details.invocation_metadata if isinstance(value, str)})
        return {
            "/echo/One": grpc.unary_unary_rpc_method_handler(lambda message, _: message),
            "/echo/Down": grpc.unary_stream_rpc_method_handler(lambda message, _: iter([message] * 3)),
            "/echo/Up": grpc.stream_unary_rpc_method_handler(lambda messages, _: b"".join(messages)),
            "/echo/Both": grpc.stream_stream_rpc_method_handler(lambda messages, _: messages),
        }.get(details.method)

    def close(self) -> None:
        self._server.stop(None).wait()


class World:
    """A service behind an emulator's IAP, to which somebody is signed in."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.service = Service()
        self.emulator = Emulator(directory, f"{LIFETIME}s", upstream=f"h2c://{self.service.address}", tls=True)
        monkeypatch.setenv("SSL_CERT_FILE", self.emulator.ca)
        self.tls = grpc.ssl_channel_credentials(Path(self.emulator.ca).read_bytes())
        self.origin = self.emulator.iap
        self.target = self.origin.removeprefix("https://")
        tokentoss.configure(path=self.emulator.client_file)
        login(ca=self.emulator.ca)

    def channel(self, *origins: str, **options: Any) -> grpc.Channel:
        credentials = tokentoss.grpc.channel_credentials(*(origins or [self.origin]), tls=self.tls, **options)
        return grpc.secure_channel(self.target, credentials)

    def wait_for_expiry(self) -> None:
        token = tokentoss.AuthManager().token_data
        assert token is not None
        time.sleep(max(0.0, token.expiry_datetime.timestamp() + 1 - time.time()))

    def close(self) -> None:
        self.emulator.close()
        self.service.close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    (tmp_path / "emulator").mkdir()
    w = World(tmp_path / "emulator", monkeypatch)
    yield w
    w.close()


def test_grpcio(world: World) -> None:
    """Calls of every kind carry a token that is good when they are made, on one channel."""
    with world.channel() as channel:
        for after in (False, True):
            if after:
                world.wait_for_expiry()
            assert channel.unary_unary("/echo/One")(b"x", timeout=PATIENCE) == b"x"
            assert list(channel.unary_stream("/echo/Down")(b"x", timeout=PATIENCE)) == [b"x"] * 3
            assert channel.stream_unary("/echo/Up")(iter([b"x", b"y"]), timeout=PATIENCE) == b"xy"
            assert list(channel.stream_stream("/echo/Both")(iter([b"x", b"y"]), timeout=PATIENCE)) == [b"x", b"y"]
    assert len(world.service.seen) == 8
    assert {call["x-goog-authenticated-user-email"] for call in world.service.seen} == {f"accounts.google.com:{EMAIL}"}
    assert len({call["x-goog-iap-jwt-assertion"] for call in world.service.seen}) > 1


def test_grpc_aio(world: World) -> None:
    """The same credentials are for asyncio."""

    async def call() -> bytes:
        credentials = tokentoss.grpc.channel_credentials(world.origin, tls=world.tls)
        async with grpc.aio.secure_channel(world.target, credentials) as channel:
            return bytes(await channel.unary_unary("/echo/One")(b"x", timeout=PATIENCE))

    assert asyncio.run(call()) == b"x"


def test_own_authorization(world: World) -> None:
    """What the program sends as its own arrives; the token goes beside it."""
    with world.channel(beside=True) as channel:
        channel.unary_unary("/echo/One")(b"x", timeout=PATIENCE, metadata=(("authorization", "Key of-the-app"),))
    assert world.service.seen[0]["authorization"] == "Key of-the-app"


def test_another_origin(world: World) -> None:
    """The token goes to no other service, and the call says why."""
    with world.channel("https://app.example.com") as channel, pytest.raises(grpc.RpcError) as e:
        channel.unary_unary("/echo/One")(b"x", timeout=PATIENCE)
    assert "only https://app.example.com may see the token" in e.value.details()
    assert world.service.seen == []
    with pytest.raises(OriginError):
        tokentoss.grpc.channel_credentials("http://app.example.com")
    with pytest.raises(OriginError):
        tokentoss.grpc.channel_credentials()


def test_signed_out(world: World) -> None:
    """A call of somebody who is signed out says what to do."""
    tokentoss.AuthManager().clear()
    with world.channel() as channel, pytest.raises(grpc.RpcError) as e:
        channel.unary_unary("/echo/One")(b"x", timeout=PATIENCE)
    assert "sign" in e.value.details().lower()
    assert "Bearer" not in e.value.details()
