"""What IAP's answers mean, and where a token goes in a request; for any HTTP library."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from ._origin import Origin, origin_of
from ._secret import Token
from .exceptions import IAPRefusedError, NoCredentialsError, OriginError

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

ACCEPTED = "accepted"  # not the guard's business: it is handed back
STALE = "stale"  # another token may do
DENIED = "denied"  # no token of this person will do


def judge(status: int, headers: Mapping[str, str], url: str, token: Token) -> str:
    """Returns what an answer says about the token that was sent to url. headers know no case."""
    marked = MARKER in headers
    if status == 401:
        return STALE if marked else ACCEPTED
    if status == 403:
        return DENIED if marked else ACCEPTED
    if status in (301, 302, 303, 307, 308) and (marked or _leads_to_sign_in(headers.get("Location", ""), url, token)):
        return STALE
    return ACCEPTED


def _leads_to_sign_in(location: str, url: str, token: Token) -> bool:
    """Tells whether a redirect leads to Google's sign-in page, or to that of the token's issuer.

    A guard such as oauth2-proxy sends a browser there. Where the service itself is on the issuer's host, only a request
    for authorization counts (RFC 6749, section 4.1.1).
    """
    try:
        there = urljoin(url, location)
        parts = urlsplit(there)
        if parts.hostname == _SIGN_IN_HOST:
            return True
        if not token.issuer or origin_of(there) != origin_of(token.issuer):
            return False
        return origin_of(url) != origin_of(there) or "client_id" in parse_qs(parts.query)
    except (ValueError, OriginError):
        return False


def refusal(
    make: Callable[..., IAPRefusedError],
    status: int,
    origin: Origin,
    token: Token,
    body: bytes,
    /,
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


def sign(headers: Any, token: Token, origin: Origin, beside: bool = False) -> str:
    """Puts the token into the headers of a request, which must be a copy, and returns the name of the one it is in.

    beside is for a request that will have an Authorization of its own, and has not yet.
    """
    _check_lent(token, origin)
    name = PROXY_AUTHORIZATION if beside or AUTHORIZATION in headers else AUTHORIZATION
    if name in headers:
        raise NoCredentialsError(
            f"nothing was sent to {origin}: {AUTHORIZATION} and {PROXY_AUTHORIZATION} are both taken by the request",
            hint="leave one of them to the token",
        )
    headers[name] = token.bearer()
    headers.setdefault(REQUESTED_WITH, XML_HTTP_REQUEST)
    return name


def _check_lent(token: Token, origin: Origin) -> None:
    """Refuses an origin that the session is not lent for, where another machine lends it."""
    if token.lent_by and origin not in {origin_of(target) for target in token.lent_for}:
        raise OriginError(
            f"nothing was sent to {origin}: the session is lent for {', '.join(token.lent_for)} alone",
            hint=f"lend it for {origin}, too, on {token.lent_by}",
        )


def not_listed(origin: Origin, listed: frozenset[Origin]) -> OriginError:
    """Returns the error for a request to an origin that is not among those that may see the token."""
    names = ", ".join(sorted(map(str, listed)))
    return OriginError(
        f"nothing was sent to {origin}: only {names} may see the token",
        hint=f"name it, too, if it may: origins=['{origin}']",
    )


def check_host(host: str | None, origin: Origin, listed: frozenset[Origin]) -> None:
    """Refuses a request whose Host header names another host than those that may see the token."""
    if host and origin_of(f"{origin.scheme}://{host}") not in listed:
        raise OriginError(
            f"nothing was sent to {origin}: its Host header names another host, which may not see the token",
            hint="leave the header out",
        )


def check_downgrade(last: Origin | None, origin: Origin) -> None:
    """Refuses a redirect from https to http."""
    if last is not None and last.scheme == "https" and origin.scheme == "http":
        raise OriginError(
            f"the redirect from {last} to {origin} was not followed: it leads from https to http",
            hint="ask the owner of the service to redirect to https",
        )
