"""Who is signed in, and the tokens of that session."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _current
from ._lazy import LazyModule
from ._session import Session, open_session
from .compat import OwnFlow, generate_pkce_pair, token_data
from .exceptions import (
    NoCredentialsError,
    NotConfiguredError,
    NotRevokedError,
    StorageError,
    TokenRefreshError,
    TokenTossError,
)
from .storage import FileStorage, MemoryStorage, TokenData

if TYPE_CHECKING:
    from . import _credentials
else:
    _credentials = LazyModule("tokentoss._credentials")  # which imports google-auth

__all__ = ["DEFAULT_SCOPES", "AuthManager", "ClientConfig", "generate_pkce_pair"]

GOOGLE_AUTH_URI = "https://accounts.google.com/o/oauth2/auth"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"

DEFAULT_SCOPES = ["openid", "email", "profile"]

DEFAULT_MAX_SESSION_LIFETIME_HOURS = 24


@dataclass
class ClientConfig:
    """An OAuth client."""

    client_id: str
    client_secret: str = field(repr=False)
    auth_uri: str = GOOGLE_AUTH_URI
    token_uri: str = GOOGLE_TOKEN_URI
    redirect_uris: list[str] | None = None

    @classmethod
    def from_file(cls, path: str | Path) -> ClientConfig:
        """Reads a client_secrets.json, as Google's console gives it.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            It does not have an OAuth client in it.
        """
        path = Path(path).expanduser()
        if not path.exists():
            raise FileNotFoundError(f"Client secrets file not found: {path}")
        try:
            data = json.loads(path.read_bytes())
            client = data.get("installed") or data.get("web")
        except (ValueError, AttributeError):  # whose traceback would have the secret
            raise ValueError(f"{path} is not the JSON of an OAuth client") from None
        if not isinstance(client, dict):
            raise ValueError("Invalid client_secrets.json format. Expected 'installed' or 'web' key.")
        if "client_id" not in client or "client_secret" not in client:
            raise ValueError(f"{path} has no client_id or no client_secret")
        return cls(
            client_id=client["client_id"],
            client_secret=client["client_secret"],
            auth_uri=client.get("auth_uri", GOOGLE_AUTH_URI),
            token_uri=client.get("token_uri", GOOGLE_TOKEN_URI),
            redirect_uris=client.get("redirect_uris"),
        )


class AuthManager(OwnFlow):
    """A session: who is signed in, and the tokens, which the executable refreshes.

    It may be used by any number of threads, and pickled: its settings are, and no token. The session that another
    process then opens is the one that it finds there, in the same file or profile.

    Parameters
    ----------
    client_config
        The OAuth client, or
    client_secrets_path
        the client_secrets.json that has it. By default it is the profile's.
    storage
        Where the session is kept: a FileStorage or a MemoryStorage. By default that is the store of the profile, which
        the shell uses too; in an app that many people visit, memory, for each visitor.
    scopes
        What to ask for at a sign-in. By default that is the profile's to say.
    max_session_lifetime_hours
        Hours after which a person has to sign in again; 0 for no limit. The default is the profile's to say.

    Raises
    ------
    NotConfiguredError
        There is no OAuth client. It is a ValueError.
    FileNotFoundError, ValueError
        client_secrets_path cannot be read.
    TypeError
        storage is of another class: for a place of your own, write a store.
    ExecutableError
        The executable is missing, or does not work.
    """

    def __init__(
        self,
        client_config: ClientConfig | None = None,
        client_secrets_path: str | Path | None = None,
        storage: FileStorage | MemoryStorage | None = None,
        scopes: list[str] | None = None,
        max_session_lifetime_hours: int = DEFAULT_MAX_SESSION_LIFETIME_HOURS,
    ) -> None:
        self._prepare(client_config, client_secrets_path, storage, scopes, max_session_lifetime_hours)
        state = self._state()
        if state == "not_configured":
            raise NotConfiguredError("No client config provided, and none is configured.")

    @classmethod
    def _for_widget(cls, *args: Any) -> AuthManager:
        """Makes one that may have no OAuth client yet."""
        manager = cls.__new__(cls)
        manager._prepare(*args)
        manager._state()
        return manager

    def _prepare(
        self,
        client_config: ClientConfig | None,
        client_secrets_path: str | Path | None,
        storage: FileStorage | MemoryStorage | None,
        scopes: list[str] | None,
        max_session_lifetime_hours: int,
    ) -> None:
        self._settings = client_config, client_secrets_path, storage, scopes, max_session_lifetime_hours
        if client_config is None and client_secrets_path is not None:
            client_config = ClientConfig.from_file(client_secrets_path)
        self._client_config = client_config
        self.storage = _checked(storage)
        self.scopes = list(DEFAULT_SCOPES) if scopes is None else scopes
        self.max_session_lifetime_hours = max_session_lifetime_hours
        self.last_error: Exception | None = None
        params: dict[str, Any] = {}
        if client_config is not None:
            params["client"] = {
                "client_id": client_config.client_id,
                "client_secret": client_config.client_secret,
                "auth_uri": client_config.auth_uri,
                "token_uri": client_config.token_uri,
            }
        # What is not chosen here is the profile's to say, and the session is the one of all who ask alike.
        if self.scopes != DEFAULT_SCOPES:
            params["scopes"] = self.scopes
        if max_session_lifetime_hours != DEFAULT_MAX_SESSION_LIFETIME_HOURS:
            params["max_session_lifetime_seconds"] = int(max_session_lifetime_hours * 3600)
        self._session: Session = storage._open(**params) if storage is not None else open_session(**params)

    def _state(self) -> str:
        """Looks who is signed in, makes that CREDENTIALS, and returns the state."""
        try:
            status = self._session.status()
        except StorageError as e:
            self.last_error = e  # a sign-in puts it right, or says the same
            return "unknown"
        state: str = status["state"]
        self.last_error = self._session.problem
        if state == "signed_in":
            _current.publish(self._session)
        elif state == "needs_sign_in":
            self.last_error = NoCredentialsError(f"Session expired: {status.get('reason') or 'sign in again'}")
        return state

    def __repr__(self) -> str:
        return f"<tokentoss.AuthManager: {'signed in' if self.is_authenticated else 'not signed in'}>"

    def __reduce__(self) -> Any:
        if self._session.visit is not None and self.storage is None:
            raise TypeError("the session of a visitor is not pickled: it does not leave this process")
        return _manager, self._settings

    @property
    def client_config(self) -> ClientConfig:
        """The OAuth client."""
        if self._client_config is None:
            self._client_config = ClientConfig.from_file(self._session.opened()["client_file"])
        return self._client_config

    @property
    def credentials(self) -> _credentials.SessionCredentials | None:
        """The session as google-auth knows credentials; None when nobody is signed in."""
        try:
            return _credentials.of_session(self._session) if self.is_authenticated else None
        except TokenTossError as e:
            self.last_error = e
            if isinstance(e, NoCredentialsError):
                return None
            raise

    @property
    def token_data(self) -> TokenData | None:
        """The tokens, good now; None when nobody is signed in. The refresh token is not among them."""
        return token_data(self._session)

    @property
    def user_email(self) -> str | None:
        """Who is signed in."""
        return self._session.status().get("email") if self.is_authenticated else None

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody is signed in."""
        try:
            return self._session.cached() is not None or bool(self._session.status()["state"] == "signed_in")
        except TokenTossError as e:
            self.last_error = e
            return False

    @property
    def id_token(self) -> str | None:
        """The ID token for IAP, good now; None when nobody is signed in."""
        try:
            return self._session.token().value
        except NoCredentialsError as e:
            self.last_error = e
            return None

    def refresh_tokens(self) -> TokenData:
        """Gets newer tokens now, unless those that are there were renewed moments ago.

        Returns
        -------
        TokenData
            The tokens, without the refresh token.

        Raises
        ------
        TokenRefreshError
            The provider could not be asked, or nobody is signed in; then it is a NoCredentialsError, too.
        """
        try:
            self._session.token().renew()
            data = token_data(self._session)
        except TokenRefreshError as e:
            self.last_error = e
            raise
        except TokenTossError as e:
            self.last_error = e
            raise TokenRefreshError(str(e.args[0]), hint=e.hint) from e
        if data is None:
            raise TokenRefreshError("nobody is signed in any more", hint=NoCredentialsError.hint)
        _current.publish(self._session)
        self.last_error = None
        return data

    def clear(self) -> None:
        """Signs out: tells the provider, and forgets the session. What the provider did not hear is in last_error."""
        _current.withdraw(self._session)
        try:
            self._session.sign_out()
        except NotRevokedError as e:
            self.last_error = e


def _manager(*settings: Any) -> AuthManager:
    return AuthManager._for_widget(*settings)


def _checked(storage: Any) -> FileStorage | MemoryStorage | None:
    """Refuses a storage whose methods nobody would call."""
    for kind in (FileStorage, MemoryStorage):
        own = type(storage)
        if isinstance(storage, kind) and own.load is kind.load and own.save is kind.save and own.clear is kind.clear:
            return storage
    if storage is None:
        return None
    raise TypeError(
        f"a {type(storage).__name__} cannot keep a session, only a FileStorage or a MemoryStorage can: the refresh "
        "token does not come to Python. For a place of your own, write a store (docs/write-a-store.md) and set it "
        "as the profile's: os.environ['TOKENTOSS_STORE'] = name"
    )
