"""AuthManager, ClientConfig, and the functions that configure."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import google_auth_oauthlib.flow
import pytest
from conftest import EMAIL, Emulator, login

import tokentoss
from tokentoss import (
    AuthManager,
    ClientConfig,
    ConfigurationError,
    FileStorage,
    NoCredentialsError,
    NotConfiguredError,
    TokenExchangeError,
    TokenRefreshError,
)


def test_not_configured(home: Path) -> None:
    with pytest.raises(ValueError, match="No client config provided") as caught:
        AuthManager()
    assert isinstance(caught.value, NotConfiguredError) and caught.value.hint


def test_client_config(emulator: Emulator, tmp_path: Path) -> None:
    config = ClientConfig.from_file(emulator.client_file)
    assert config.client_secret == emulator.client["client_secret"] not in repr(config)
    assert config.token_uri == emulator.client["token_uri"]
    assert ClientConfig("id", "secret").token_uri == "https://oauth2.googleapis.com/token"
    with pytest.raises(FileNotFoundError):
        ClientConfig.from_file(tmp_path / "none.json")
    for content in ("{}", "[]", "{", '{"installed": {}}', '{"web": 1}'):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(ValueError):  # noqa: PT011
            ClientConfig.from_file(tmp_path / "bad.json")
    with pytest.raises(ValueError):  # noqa: PT011
        tokentoss.configure(path=tmp_path / "bad.json")


def test_given_client(emulator: Emulator, home: Path, tmp_path: Path) -> None:
    for manager in (
        AuthManager(client_secrets_path=str(emulator.client_file)),
        AuthManager(client_config=ClientConfig.from_file(emulator.client_file)),
        AuthManager(ClientConfig.from_file(emulator.client_file), None, FileStorage(tmp_path / "x"), ["openid"], 12),
    ):
        assert not manager.is_authenticated
        assert manager.credentials is None and manager.id_token is None and manager.token_data is None
        assert manager.client_config.client_id == emulator.client["client_id"]
    assert manager.scopes == ["openid"] and manager.max_session_lifetime_hours == 12
    assert not (home / "client_secrets.json").exists()


def test_signed_in(signed_in: Emulator) -> None:
    manager = AuthManager()
    assert manager.is_authenticated and manager.user_email == EMAIL and manager.last_error is None
    assert manager.client_config.client_id == signed_in.client["client_id"]
    assert manager.scopes == tokentoss.DEFAULT_SCOPES is not manager.scopes
    data = manager.token_data
    assert data is not None and data.id_token == manager.id_token and data.access_token and data.refresh_token == ""
    assert not data.is_expired and data.created_at_datetime is not None and data.user_email == EMAIL
    assert "openid" in data.scopes
    assert tokentoss.CREDENTIALS is not None and tokentoss.CREDENTIALS.id_token == manager.id_token
    assert EMAIL not in repr(manager)
    manager.clear()
    assert tokentoss.CREDENTIALS is None
    assert not manager.is_authenticated and manager.id_token is None and manager.credentials is None
    with pytest.raises(TokenRefreshError):
        manager.refresh_tokens()


def test_refresh(signed_in: Emulator) -> None:
    manager = AuthManager()
    before = manager.id_token
    assert manager.refresh_tokens().id_token == manager.id_token != before
    again = manager.refresh_tokens()
    assert again.id_token == manager.id_token, "moments ago"


def test_revoked(signed_in: Emulator) -> None:
    """What the provider ended is not tried again and again, and says what to do."""
    import urllib.request

    refresh = json.loads(Path(FileStorage().path).read_text())["refresh_token"]
    urllib.request.urlopen(signed_in.google + "/revoke", data=f"token={refresh}".encode()).close()
    manager = AuthManager()
    with pytest.raises(TokenRefreshError) as caught:
        manager.refresh_tokens()
    assert isinstance(caught.value, NoCredentialsError) and caught.value.hint
    assert isinstance(AuthManager().last_error, NoCredentialsError)


def test_provider_is_down(short_lived: Emulator, home: Path) -> None:
    """The session stays."""
    tokentoss.configure(path=short_lived.client_file)
    login()
    short_lived.process.terminate()
    short_lived.process.wait()
    manager = AuthManager()
    with pytest.raises(TokenRefreshError) as caught:
        manager.refresh_tokens()
    assert not isinstance(caught.value, NoCredentialsError) and manager.last_error is caught.value
    assert manager.is_authenticated and (home / "tokens.json").exists()


def test_the_flow_is_the_rpcs(configured: Emulator) -> None:
    manager = AuthManager()
    with pytest.raises(TokenExchangeError, match="sign_in"):
        manager.get_authorization_url("challenge", state="x")
    with pytest.raises(TokenExchangeError, match="GoogleAuthWidget"):
        manager.exchange_code("code", "verifier")


def test_pkce_pair() -> None:
    verifier, challenge = tokentoss.generate_pkce_pair()
    digest = hashlib.sha256(verifier.encode()).digest()
    assert challenge == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert len(verifier) >= 43 and tokentoss.generate_pkce_pair()[0] != verifier


def test_configure(home: Path, emulator: Emulator) -> None:
    path = tokentoss.configure(client_id=" id.apps.googleusercontent.com ", client_secret="GOCSPX-x", project_id="p")
    assert path == tokentoss.get_config_path() == home / "client_secrets.json"
    assert path.stat().st_mode & 0o777 == 0o600
    written = json.loads(path.read_text())["installed"]
    assert (written["client_id"], written["client_secret"]) == ("id.apps.googleusercontent.com", "GOCSPX-x")
    assert written["project_id"] == "p"
    flow = google_auth_oauthlib.flow.InstalledAppFlow.from_client_secrets_file(path, scopes=["openid"])
    assert flow.client_config["client_id"] == "id.apps.googleusercontent.com"
    assert flow.authorization_url()[0].startswith("https://accounts.google.com/")
    assert tokentoss.configure_from_credentials("id.apps.googleusercontent.com", "GOCSPX-y") == path
    assert tokentoss.configure_from_file(str(emulator.client_file)) == path
    login()
    for bad in (
        {},
        {"client_id": "x"},
        {"client_id": " ", "client_secret": "x"},
        {"client_id": "x", "client_secret": ""},
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            tokentoss.configure(**bad)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        tokentoss.configure(path=home / "none.json")


def test_unknown_profile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENTOSS_PROFILE", "nobody")
    with pytest.raises(ConfigurationError, match="nobody"):
        AuthManager()
