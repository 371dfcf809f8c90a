"""Whose token is sent: what a client was given is used or is an error, and nobody else's ever takes its place."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import google.auth.transport.requests
import httpx
import httpx2
import pytest
import requests
from conftest import EMAIL, Emulator, Request, Service, login, ok

import tokentoss
from tokentoss import AuthManager, FileStorage, NoCredentialsError
from tokentoss._session import open_session
from tokentoss.google import IDTokenCredentials

ADA, GRACE = EMAIL, "grace@example.com"


@pytest.fixture(scope="module")
def grace_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    e = Emulator(tmp_path_factory.mktemp("grace"), "1h", GRACE)
    yield e
    e.close()


@pytest.fixture
def grace(grace_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuthManager:
    """Grace's session, in a file of its own; nobody has asked it for a token yet."""
    directory = tmp_path / "grace"
    with monkeypatch.context() as m:
        m.setenv("TOKENTOSS_CONFIG_DIR", str(directory))
        tokentoss.configure(path=grace_emulator.client_file)
        login()
    storage = FileStorage(directory / "tokens.json")
    return AuthManager(client_secrets_path=grace_emulator.client_file, storage=storage)


@pytest.fixture
def here() -> Iterator[Service]:
    s = Service(ok)
    yield s
    s.close()


def who(request: Request) -> str:
    """Returns whose token a request had."""
    payload = request.token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["email"])


def by_client(url: str, given: Any) -> None:
    tokentoss.IAPClient(base_url=url, auth_manager=given).get("/").raise_for_status()


def by_requests(url: str, given: Any) -> None:
    requests.get(url, auth=tokentoss.IAPAuth(url, auth_manager=given), timeout=30).raise_for_status()


def by_httpx(url: str, given: Any) -> None:
    httpx.get(url, auth=tokentoss.HttpxIAPAuth(url, auth_manager=given)).raise_for_status()


def by_httpx2(url: str, given: Any) -> None:
    with httpx2.Client(transport=tokentoss.IAPTransport(url, auth_manager=given)) as client:
        client.get(url).raise_for_status()


def by_async_client(url: str, given: Any) -> None:
    async def run() -> None:
        async with tokentoss.AsyncIAPClient(base_url=url, auth_manager=given) as client:
            (await client.get("/")).raise_for_status()

    asyncio.run(run())


def by_aiohttp(url: str, given: Any) -> None:
    async def run() -> None:
        middleware = tokentoss.AiohttpIAPMiddleware(url, auth_manager=given)
        async with aiohttp.ClientSession(middlewares=[middleware]) as session, session.get(url) as response:
            response.raise_for_status()

    asyncio.run(run())


def by_google(url: str, given: Any) -> None:
    credentials = IDTokenCredentials(url, auth_manager=given)
    google.auth.transport.requests.AuthorizedSession(credentials).get(url).raise_for_status()


WAYS = [by_client, by_requests, by_httpx, by_httpx2, by_async_client, by_aiohttp, by_google]
Way = Callable[[str, Any], None]


def set_cache(session: Any, state: str) -> None:
    """Has the process know a session's token, or not, or one that has expired."""
    session._tokens.clear()
    if state != "cold":
        token = session.token()
        if state == "expired":
            token.use_until = 0.0


STATES = ["warm", "cold", "expired"]


@pytest.mark.parametrize("way", WAYS)
def test_who_is_given(signed_in: Emulator, grace: AuthManager, here: Service, way: Way) -> None:
    """Ada is signed in to the profile and to this process, and grace's manager is given."""
    for hers, others in itertools.product(STATES, STATES):
        AuthManager()  # ada's becomes CREDENTIALS
        for given in (grace, grace.credentials):
            set_cache(open_session(), others)
            set_cache(grace._session, hers)
            way(here.url, given)
            assert who(here.requests[-1]) == GRACE, (hers, others)
        tokentoss.CREDENTIALS = None  # and ada's is the profile's only
        way(here.url, grace)
        assert who(here.requests[-1]) == GRACE, (hers, others)
        way(here.url, AuthManager())
        assert who(here.requests[-1]) == ADA, (hers, others)


@pytest.mark.parametrize("way", WAYS)
def test_who_is_given_and_is_not_signed_in(signed_in: Emulator, grace: AuthManager, here: Service, way: Way) -> None:
    open_session().token()
    grace.clear()
    nobody = AuthManager(storage=tokentoss.MemoryStorage())
    for given in (grace, nobody):
        for credentials in (None, AuthManager()):
            tokentoss.CREDENTIALS = credentials  # type: ignore[assignment]
            with pytest.raises(NoCredentialsError):
                way(here.url, given)
    assert here.requests == []


@pytest.mark.parametrize("way", WAYS)
def test_who_signed_in_here_comes_before_the_profile(
    signed_in: Emulator, grace: AuthManager, here: Service, way: Way
) -> None:
    open_session().token()
    assert tokentoss.CREDENTIALS is not None, "grace's manager was made last"
    for hers in STATES:
        set_cache(grace._session, hers)
        way(here.url, None)
        assert who(here.requests[-1]) == GRACE, hers
    Path(grace.storage.path).unlink()  # type: ignore[union-attr] - her session ended elsewhere
    grace._session._tokens.clear()
    tokentoss._rpc.stop()
    with pytest.raises(NoCredentialsError):
        way(here.url, None)
    assert len(here.requests) == len(STATES)


def test_the_environment_names_the_person(
    signed_in: Emulator, grace_emulator: Emulator, here: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client without a manager follows TOKENTOSS_CONFIG_DIR and the like; a manager stays whose it was."""
    client = tokentoss.IAPClient(base_url=here.url)
    client.get("/")
    of_ada = AuthManager()
    tokentoss.CREDENTIALS = None
    with monkeypatch.context() as m:
        m.setenv("TOKENTOSS_CONFIG_DIR", str(tmp_path / "grace"))
        tokentoss.configure(path=grace_emulator.client_file)
        with pytest.raises(NoCredentialsError):
            client.get("/")
        login()
        client.get("/")
        for state in ("warm", "expired", "cold"):
            set_cache(of_ada._session, state)
            by_client(here.url, of_ada)
    client.get("/")
    assert [who(r) for r in here.requests] == [ADA, GRACE, ADA, ADA, ADA, ADA]


def test_a_session_in_memory_stays_whose_it_became(
    signed_in: Emulator, grace: AuthManager, here: Service, home: Path
) -> None:
    """It began with ada's tokens, and was signed out: no restart of the executable brings them back."""
    kept = FileStorage(home / "tokens.json").load()
    assert kept is not None
    storage = tokentoss.MemoryStorage()
    storage.save(kept)
    manager = AuthManager(storage=storage)
    by_client(here.url, manager)
    tokentoss._rpc.stop()
    by_client(here.url, manager)
    assert [who(r) for r in here.requests] == [ADA, ADA], "which a restart alone does not end"
    storage.clear()
    tokentoss._rpc.stop()
    with pytest.raises(NoCredentialsError):
        by_client(here.url, manager)


def test_somebody_else_signs_in_in_the_shell(
    signed_in: Emulator, grace_emulator: Emulator, here: Service, home: Path
) -> None:
    """The process learns of it when it looks who is signed in."""
    manager = AuthManager()
    by_client(here.url, manager)
    tokentoss.configure(path=grace_emulator.client_file)
    login()
    assert manager.user_email == GRACE
    by_client(here.url, manager)
    assert [who(r) for r in here.requests] == [ADA, GRACE]


def test_foreign_credentials_without_a_token(signed_in: Emulator, here: Service) -> None:
    class Foreign:
        id_token = None
        expired = False

    open_session().token()
    for way in WAYS[:-1]:
        with pytest.raises(NoCredentialsError):
            way(here.url, Foreign())
    with pytest.raises(tokentoss.ConfigurationError, match="Foreign"):
        by_google(here.url, Foreign())
    assert here.requests == []
