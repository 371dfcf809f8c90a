"""Where tokens come from: one source, and what it says."""

from __future__ import annotations

from typing import Any, Protocol

from . import _current, _visitors
from ._lazy import LazyModule
from ._secret import Token
from ._session import Session, open_session
from .exceptions import ConfigurationError, NoCredentialsError

_google = LazyModule("google.auth.transport.requests")


class Source(Protocol):
    """Where tokens come from. A Session is one."""

    def cached(self) -> Token | None:
        """Returns the token if it costs nothing."""

    def token(self) -> Token:
        """Returns a token that is good now."""


class Discovery:
    """The source for a client: what it was given, else CREDENTIALS, else the profile's session.

    The first of them that there is decides. Nobody else's token is ever taken where it has none.
    """

    def __init__(self, given: Any | None = None) -> None:
        self._given = given
        self._source = source_of(given) if given is not None else None

    @property
    def given(self) -> Any | None:
        """What it was given, for another process, which must not find another person's session in its place."""
        if self._given is None and _visitors.here() is not None:
            raise TypeError("the session of a visitor does not leave this process: give auth_manager or credentials")
        return self._given

    def source(self) -> Source:
        """Returns the source, looked up anew: CREDENTIALS and the environment may have changed."""
        if self._source is not None:
            return self._source
        value, is_put = _current.put()
        if is_put and value is not None:
            return source_of(value)
        session: Session | None = None if is_put else _current.session()
        return session or open_session()

    def cached(self) -> Token | None:
        """Returns the source's token if it costs nothing."""
        return self.source().cached()

    def token(self) -> Token:
        """Returns a token of the source that is good now."""
        return self.source().token()


def source_of(given: Any) -> Source:
    """Returns the source behind an AuthManager, or behind credentials of any kind."""
    session = getattr(given, "_session", None)
    return session if isinstance(session, Session) else _Foreign(given)


def session_of(given: Any | None) -> Session:
    """Returns the session behind what was given, or else the one that Discovery finds now."""
    source = Discovery(given).source()
    if isinstance(source, Session):
        return source
    raise ConfigurationError(
        f"a {type(given).__name__} has no session of tokentoss",
        hint="give a tokentoss.AuthManager, or use those credentials themselves",
    )


class _Foreign:
    """Credentials, or an auth manager, that others made: an object with an id_token that it can refresh."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def cached(self) -> Token | None:
        if getattr(self._given, "expired", False):
            return None
        value = getattr(self._given, "id_token", None)
        return Token({"token": value}, self) if value else None

    def token(self) -> Token:
        if getattr(self._given, "expired", False):
            self._refresh()
        token = self.cached()
        if token is None:
            raise NoCredentialsError(f"the {type(self._given).__name__} that was given has no ID token")
        return token

    def renew(self, stale: Token) -> Token:
        now = self.cached()
        if now is not None and now.value != stale.value:
            return now
        self._refresh()
        return self.token()

    def _refresh(self) -> None:
        if hasattr(self._given, "refresh_tokens"):
            self._given.refresh_tokens()
        elif hasattr(self._given, "refresh"):
            self._given.refresh(_google.Request())
        else:
            raise NoCredentialsError(f"the {type(self._given).__name__} that was given cannot be refreshed")
