"""Credentials for google-auth, and so for Google's libraries. It needs google-auth: pip install 'tokentoss[google]'."""

from __future__ import annotations

from typing import Any

try:
    import google.auth.credentials
except ImportError as e:
    raise ImportError(f"this needs google-auth, which cannot be imported: {e}; pip install 'tokentoss[google]'") from e

from . import _credentials, _iap
from ._origin import allowed, allowed_all
from ._session import Session, open_session
from .exceptions import OriginError

__all__ = ["Credentials", "IDTokenCredentials"]


class Credentials(_credentials.Credentials, google.auth.credentials.Credentials):
    """The person's access token, for Google's APIs: ``AuthorizedSession(Credentials())``.

    The scopes are those that were granted at the sign-in.
    """

    def __init__(self, session: Session | None = None) -> None:
        super().__init__(session or open_session())


class IDTokenCredentials(_credentials.Credentials, google.auth.credentials.Credentials):
    """The person's ID token, for services behind IAP: ``AuthorizedSession(IDTokenCredentials("https://app.example.com"))``.

    The token goes to the origins that are named, and a request to any other is an OriginError. An AuthorizedSession
    does not ask again on a redirect; requests then leaves the token out where the host is another one.
    """

    kind = "id"

    def __init__(self, *origins: str, session: Session | None = None) -> None:
        super().__init__(session or open_session())
        if not origins:
            raise OriginError("no origin is named", hint="name the services that may see the token")
        self._origins = allowed_all(origins)

    def before_request(self, request: object, method: str, url: str, headers: Any) -> None:
        """Puts a token that is good now into the headers of a request to one of the origins."""
        origin = allowed(url)
        if origin not in self._origins:
            raise OriginError(
                f"{origin} is not among the origins of these credentials", hint="name it there if it may see the token"
            )
        headers.setdefault(_iap.REQUESTED_WITH, _iap.XML_HTTP_REQUEST)
        super().before_request(request, method, url, headers)
