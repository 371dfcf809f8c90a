"""Storages, and the session file that they share with the executable and with tokentoss 0.1.1."""

from __future__ import annotations

import json
import os
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from conftest import EMAIL, Emulator

import tokentoss
from tokentoss import (
    FileStorage,
    IAPClient,
    InsecureFilePermissionsWarning,
    MemoryStorage,
    StorageError,
    TokenData,
)


def tokens(**changes: object) -> TokenData:
    expiry = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()
    fields = {"access_token": "planted-access", "id_token": "planted-id", "refresh_token": "planted-refresh"}
    return TokenData(**{**fields, "expiry": expiry, "scopes": ["openid"], **changes})  # type: ignore[arg-type]


def test_token_data() -> None:
    t = tokens(expiry="2999-01-01T00:00:00Z", created_at="2024-05-01T10:00:00.123456789+02:00", user_email=EMAIL)
    assert TokenData.from_dict(t.to_dict()) == t
    assert not t.is_expired and t.expiry_datetime.year == 2999
    assert t.created_at_datetime == datetime(2024, 5, 1, 8, 0, 0, 123456, timezone.utc)
    assert tokens().created_at_datetime is None
    assert tokens(expiry="2020-01-01T00:00:00").expiry_datetime is not None
    assert tokens(expiry="2020-01-01T00:00:00+00:00").is_expired
    with pytest.raises(KeyError):
        TokenData.from_dict({})
    for secret in ("planted-access", "planted-id", "planted-refresh", EMAIL):
        assert secret not in repr(t)


def test_file_storage(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "new" / "tokens.json")
    assert storage.load() is None and not storage.exists()
    storage.clear()
    t = tokens()
    storage.save(t)
    assert storage.exists() and storage.load() == t
    assert (storage.path.stat().st_mode & 0o777, storage.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    before = storage.path.stat().st_ino
    storage.save(tokens(id_token="other"))
    assert storage.path.stat().st_ino != before, "it is written beside, then takes the place"
    assert os.listdir(storage.path.parent) == ["tokens.json"]
    storage.clear()
    assert not storage.exists()


def test_file_storage_without_a_path(home: Path) -> None:
    assert FileStorage().path == home / "tokens.json"
    assert str(FileStorage("x").path) == "x"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"access_token": "planted"}', b'"x"', b"\xff\xfe", b"null"])
def test_file_that_cannot_be_used(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokens.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StorageError) as caught:
        FileStorage(path).load()
    assert "planted" not in str(caught.value) and caught.value.__cause__ is None


def test_file_storage_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        FileStorage(tmp_path / "file" / "tokens.json").save(tokens())
    tmp_path.chmod(0o600)
    with pytest.raises(StorageError):
        FileStorage(tmp_path).load()


def test_permissions_warning(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "tokens.json")
    storage.save(tokens())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        storage.load()
        storage.path.chmod(0o644)
    with pytest.warns(InsecureFilePermissionsWarning, match="chmod 600"):
        assert storage.load() == tokens(expiry=storage.load().expiry)  # type: ignore[union-attr]


def test_session_in_an_insecure_file(signed_in: Emulator, home: Path) -> None:
    (home / "tokens.json").chmod(0o644)
    with pytest.warns(InsecureFilePermissionsWarning), pytest.raises(StorageError, match="0644") as caught:
        IAPClient(base_url=signed_in.iap).get("/whoami")
    assert caught.value.hint == f"os.chmod('{home / 'tokens.json'}', 0o600)" and caught.value.reason == "insecure"
    hint = caught.value.hint
    with pytest.warns(InsecureFilePermissionsWarning):
        manager = tokentoss.AuthManager()
        assert not manager.is_authenticated and isinstance(manager.last_error, StorageError)
    exec(hint, {"os": os})  # does what it says
    assert IAPClient(base_url=signed_in.iap).get_json("/whoami")["email"] == EMAIL


def test_session_in_a_file_of_its_own(signed_in: Emulator, tmp_path: Path, home: Path) -> None:
    path = tmp_path / "moved.json"
    os.rename(home / "tokens.json", path)
    manager = tokentoss.AuthManager(storage=FileStorage(path))
    assert manager.user_email == EMAIL
    loaded = FileStorage(path).load()
    assert loaded is not None and loaded.user_email == EMAIL and loaded.refresh_token
    assert IAPClient(base_url=signed_in.iap, auth_manager=manager).get_json("/whoami")["email"] == EMAIL


def test_old_file_is_read_and_refreshed(signed_in: Emulator, home: Path) -> None:
    """A session that tokentoss 0.1.1 wrote goes on."""
    record = json.loads((home / "tokens.json").read_text())
    old = {name: record[name] for name in TokenData.from_dict(record).to_dict()}
    FileStorage().save(TokenData.from_dict(old))
    manager = tokentoss.AuthManager()
    assert manager.is_authenticated
    before = manager.id_token
    data = manager.refresh_tokens()
    assert data.id_token == manager.id_token != before
    assert json.loads((home / "tokens.json").read_text())["refresh_token"] == record["refresh_token"]


def test_memory_storage(signed_in: Emulator, home: Path) -> None:
    plain = MemoryStorage()
    assert plain.load() is None and not plain.exists()
    plain.save(tokens())
    assert plain.exists() and plain.load() is not None
    plain.clear()
    assert not plain.exists()

    kept = FileStorage().load()
    assert kept is not None
    (home / "tokens.json").unlink()
    storage = MemoryStorage()
    storage.save(kept)
    manager = tokentoss.AuthManager(storage=storage)
    assert manager.is_authenticated and manager.user_email == EMAIL
    loaded = storage.load()
    assert loaded is not None and loaded.id_token and loaded.refresh_token == ""
    assert IAPClient(base_url=signed_in.iap, auth_manager=manager).get_json("/whoami")["email"] == EMAIL
    assert not (home / "tokens.json").exists()
    storage.clear()
    assert not storage.exists() and not manager.is_authenticated


def test_storage_of_ones_own_is_refused(configured: Emulator) -> None:
    class Duck:
        def load(self) -> None: ...
        def save(self, tokens: TokenData) -> None: ...
        def clear(self) -> None: ...
        def exists(self) -> bool:
            return False

    class Child(FileStorage):
        def save(self, tokens: TokenData) -> None: ...

    class Harmless(FileStorage):
        """Adds nothing that would be left out."""

    for storage in (Duck(), Child("x")):
        with pytest.raises(TypeError, match="write a store"):
            tokentoss.AuthManager(storage=storage)  # type: ignore[arg-type]
    tokentoss.AuthManager(storage=Harmless("/nowhere/tokens.json"))
