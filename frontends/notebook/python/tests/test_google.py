"""Credentials for google-auth, and what stands for them where that is not installed."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import google.auth.credentials
import pytest
from conftest import EMAIL, Answer, Emulator, Service, ok
from google.auth.transport.requests import AuthorizedSession, Request

import tokentoss
from tokentoss import AuthManager, NoCredentialsError, OriginError
from tokentoss._session import open_session
from tokentoss.google import Credentials, IDTokenCredentials

Make = Callable[[Answer], Service]


def test_id_token_credentials(signed_in: Emulator, service: Make) -> None:
    session = AuthorizedSession(IDTokenCredentials(signed_in.iap))
    assert session.get(signed_in.iap + "/whoami").json()["email"] == EMAIL
    other = service(ok)
    with pytest.raises(OriginError):
        session.get(other.url)
    assert other.requests == []
    with pytest.raises(OriginError):
        IDTokenCredentials()


def test_id_token_that_is_refused(signed_in: Emulator, service: Make) -> None:
    """An AuthorizedSession refreshes credentials on a 401, and asks again."""
    seen: list[str] = []

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        seen.append(request.token)
        return (401, {}, b"") if request.token == seen[0] else (200, {}, b"")

    here = service(answer)
    assert AuthorizedSession(IDTokenCredentials(here.url)).get(here.url).status_code == 200
    assert len(seen) == 2


def test_access_token_credentials(signed_in: Emulator, service: Make) -> None:
    here = service(ok)
    credentials = Credentials()
    assert isinstance(credentials, google.auth.credentials.Credentials)
    assert AuthorizedSession(credentials).get(here.url).ok
    assert here.requests[0].token == credentials.token == open_session().token("access").value
    assert not credentials.token.startswith("ey")


def check_attributes(credentials: Any, signed_in: Emulator) -> None:
    assert credentials.token and credentials.id_token.startswith("ey") and credentials.refresh_token is None
    assert credentials.valid and not credentials.expired
    assert timedelta(0) < credentials.expiry - datetime.now(timezone.utc).replace(tzinfo=None) < timedelta(hours=2)
    assert credentials.client_id == signed_in.client["client_id"] and "openid" in credentials.scopes
    headers: dict[str, str] = {}
    credentials.apply(headers)
    assert headers["authorization"] == f"Bearer {credentials.token}"
    before = credentials.token
    credentials.refresh(Request())
    assert credentials.token != before
    headers = {}
    credentials.before_request(Request(), "GET", "https://example.com", headers)
    assert headers["authorization"] == f"Bearer {credentials.token}"
    credentials.expiry = datetime(2020, 1, 1)
    assert credentials.expired and not credentials.valid
    credentials.before_request(Request(), "GET", "https://example.com", headers)
    assert credentials.valid
    for secret in (credentials.token, credentials.id_token, EMAIL):
        assert secret not in repr(credentials)
    with pytest.raises(TypeError):
        pickle.dumps(credentials)


def test_attributes(signed_in: Emulator) -> None:
    credentials = AuthManager().credentials
    assert isinstance(credentials, google.auth.credentials.Credentials)
    check_attributes(credentials, signed_in)
    tokentoss.sign_out()
    assert credentials.id_token is None
    with pytest.raises(NoCredentialsError):
        credentials.refresh(Request())


def test_without_google_auth(signed_in: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tokentoss._credentials", raising=False)
    monkeypatch.setitem(sys.modules, "google.auth.credentials", None)
    for credentials in (AuthManager().credentials, tokentoss.CREDENTIALS):
        assert not isinstance(credentials, google.auth.credentials.Credentials)
        check_attributes(credentials, signed_in)
