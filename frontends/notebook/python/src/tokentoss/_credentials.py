"""What CREDENTIALS is: the session that somebody signed in to here, as google-auth knows credentials."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from typing import Any

from ._logging import logger
from ._secret import Secret
from ._session import Session
from .exceptions import NoCredentialsError, TokenTossError

_published: Session | None = None


def publish(session: Session) -> None:
    """Makes a session the one that is found without being named."""
    global _published
    _published = session
    _module().pop("CREDENTIALS", None)


def withdraw(session: Session) -> None:
    """Undoes publish() for a session that has ended."""
    global _published
    if _published is session:
        _published = None


def current() -> Any:
    """Returns what is in CREDENTIALS: what a program put there, else the published session, else None."""
    module = _module()
    return module["CREDENTIALS"] if "CREDENTIALS" in module else _Published(_published) if _published else None


def as_credentials() -> Credentials | None:
    """Returns the published session as credentials, for tokentoss.CREDENTIALS."""
    if _published is None:
        return None
    try:
        return of_session(_published)
    except NoCredentialsError:  # it was ended elsewhere
        return None


class _Published:
    """The published session, without google-auth being imported for it."""

    def __init__(self, session: Session) -> None:
        self._session = session


def _module() -> dict[str, Any]:
    return vars(sys.modules[__package__])


class Credentials:
    """A session as credentials for Google's APIs, with the attributes of google-auth's.

    ``token`` is the access token and ``id_token`` the ID token. There is no refresh token here: the engine keeps it.
    """

    kind = "access"

    token: Any
    expiry: Any

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.token = None
        self.expiry = None

    def __repr__(self) -> str:
        return f"<tokentoss {type(self).__name__}>"

    def __reduce__(self) -> Any:
        raise TypeError("credentials of tokentoss are not pickled: make them anew where they are needed")

    @property
    def id_token(self) -> str | None:
        """The ID token, good now; None when nobody is signed in."""
        try:
            return self._session.token("id").value
        except NoCredentialsError:
            return None

    @property
    def refresh_token(self) -> str | None:
        """None: it does not leave the engine."""
        return None

    @property
    def client_id(self) -> str | None:
        """The OAuth client's ID."""
        return self._session.status().get("client_id")

    @property
    def scopes(self) -> list[str]:
        """What was granted."""
        return list(self._session.status().get("scopes") or [])

    @property
    def expired(self) -> bool:
        """Whether the token has to be refreshed before it is used."""
        if self.expiry is None:
            return False
        return bool(datetime.now(timezone.utc).replace(tzinfo=None) >= self.expiry - timedelta(seconds=30))

    @property
    def valid(self) -> bool:
        """Whether the token can be used as it is."""
        return self.token is not None and not self.expired

    def refresh(self, request: object = None) -> None:
        """Takes a newer token from the engine. request is not used: the engine speaks with the provider."""
        cached = self._session.cached(self.kind)
        same = cached is not None and cached.value == self.token
        token = cached.renew() if cached is not None and same else self._session.token(self.kind)
        self.token = token.value
        self.expiry = token.expiry.replace(tzinfo=None) if token.expiry else None

    def apply(self, headers: Any, token: str | None = None) -> None:
        """Puts the token into headers."""
        headers["authorization"] = Secret(f"Bearer {token or self.token}")

    def before_request(self, request: object, method: str, url: str, headers: Any) -> None:
        """Puts a token that is good now into the headers of a request."""
        if not self.valid:
            self.refresh(request)
        self.apply(headers)


def of_session(session: Session) -> Credentials:
    """Returns a session's credentials: a subclass of google-auth's where that is installed."""
    try:
        from .google import Credentials as OfGoogle
    except ImportError:
        credentials = Credentials(session)
    else:
        credentials = OfGoogle(session)
    try:
        credentials.refresh()
    except NoCredentialsError:
        raise
    except TokenTossError as e:  # they are tried again when they are used
        logger.debug("no access token yet: %s", e.args[0])
    return credentials
