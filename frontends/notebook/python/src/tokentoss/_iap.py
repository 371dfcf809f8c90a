"""What IAP's answers mean, and where the tokens for it come from; for any HTTP library."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from . import _credentials
from ._secret import Token
from ._session import Session, open_session
from .exceptions import IAPRefusedError, NoCredentialsError

if TYPE_CHECKING:
    from ._origin import Origin
    from .auth_manager import AuthManager

# On answers that IAP made, and on no others
# (https://docs.cloud.google.com/iap/docs/query-parameters-and-headers-howto).
MARKER = "X-Goog-IAP-Generated-Response"

# IAP reads a token from either, the second first, and removes the second
# (https://docs.cloud.google.com/iap/docs/authentication-howto).
AUTHORIZATION = "Authorization"
PROXY_AUTHORIZATION = "Proxy-Authorization"

# It has IAP answer 401 where it would redirect to a sign-in page.
REQUESTED_WITH = "X-Requested-With"
XML_HTTP_REQUEST = "XMLHttpRequest"

_SIGN_IN_HOST = "accounts.google.com"

ACCEPTED = "accepted"  # not IAP's business: it is handed back
STALE = "stale"  # another token may do
DENIED = "denied"  # no token of this person will do


def judge(status: int, headers: Mapping[str, str]) -> str:
    """Returns what an answer says about the token that was sent. headers know no case."""
    marked = MARKER in headers
    if status == 401:
        return STALE if marked else ACCEPTED
    if status == 403:
        return DENIED if marked else ACCEPTED
    if status in (302, 303, 307) and (marked or _leads_to_sign_in(headers.get("Location", ""))):
        return STALE
    return ACCEPTED


def _leads_to_sign_in(location: str) -> bool:
    try:
        return urlsplit(location).hostname == _SIGN_IN_HOST
    except ValueError:
        return False


def refusal(
    make: Callable[..., IAPRefusedError],
    status: int,
    origin: Origin,
    token: Token,
    body: bytes,
    **more: Any,
) -> IAPRefusedError:
    """Returns the error for an answer that refused the token."""
    code = re.search(rb"rror code (\d{1,6})", body)
    return make(
        status_code=status,
        origin=str(origin),
        email=token.email,
        audience=token.audience or "unknown",
        iap_code=int(code[1]) if code else 0,
        reason=_reason(body, token.value),
        **more,
    )


def _reason(body: bytes, token: str) -> str:
    """Finds IAP's own words and makes them safe to show: one line, no markup, nothing that may be of a token."""
    found = re.search(rb"Invalid IAP credentials:([^<\r\n]{0,400})", body)
    if not found:
        return ""
    text = re.sub(r"[^ -~]", "", found[1].decode(errors="replace").replace("&#39;", "'"))

    def safe(word: re.Match[str]) -> str:
        return "..." if len(word[0]) > 64 or word[0] in token else word[0]

    return re.sub(r"[A-Za-z0-9_-]{8,}", safe, text).strip()[:120]


class Source(Protocol):
    """Where tokens come from. A Session is one."""

    def cached(self) -> Token | None:
        """Returns the token if it costs nothing."""

    def token(self) -> Token:
        """Returns a token that is good now."""


class Chain:
    """Finds a source for each token anew: the one that was given, else CREDENTIALS, else the profile's session."""

    def __init__(self, auth_manager: AuthManager | Any | None = None) -> None:
        self._given = _source_of(auth_manager) if auth_manager is not None else None
        self._profile: Session | None = None

    def sources(self) -> Iterator[Source]:
        if self._given is not None:
            yield self._given
        current = _credentials.current()
        if current is not None:
            yield _source_of(current)
        if self._profile is None:
            self._profile = open_session()
        yield self._profile

    def cached(self) -> Token | None:
        return next((token for source in self.sources() if (token := source.cached())), None)

    def token(self) -> Token:
        token = self.cached()
        if token is not None:
            return token
        first: NoCredentialsError | None = None
        for source in self.sources():
            try:
                return source.token()
            except NoCredentialsError as e:
                first = first or e
        assert first is not None
        raise first


def _source_of(given: Any) -> Source:
    """Returns the source behind an AuthManager, or behind credentials of any kind."""
    session = getattr(given, "_session", None)
    return session if isinstance(session, Session) else _Foreign(given)


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
            return
        from google.auth.transport.requests import Request

        self._given.refresh(Request())


def sign(headers: Any, token: Token, origin: Origin, beside: bool = False) -> str:
    """Puts the token into the headers of a request, which must be a copy, and returns the name of the one it is in.

    beside is for a request that will have an Authorization of its own, and has not yet.
    """
    name = PROXY_AUTHORIZATION if beside or AUTHORIZATION in headers else AUTHORIZATION
    if name in headers:
        raise NoCredentialsError(
            f"nothing was sent to {origin}: {AUTHORIZATION} and {PROXY_AUTHORIZATION} are both taken by the request",
            hint="leave one of them to the token",
        )
    headers[name] = token.bearer()
    headers.setdefault(REQUESTED_WITH, XML_HTTP_REQUEST)
    return name
