"""Credentials for google-auth, and so for Google's libraries. It needs google-auth: pip install 'tokentoss[google]'."""

from __future__ import annotations

from typing import Any

try:
    import google.auth.credentials  # noqa: F401
except ImportError as e:
    raise ImportError(f"this needs google-auth, which cannot be imported: {e}; pip install 'tokentoss[google]'") from e

from . import _iap
from ._credentials import SessionCredentials
from ._origin import allowed, allowed_all
from ._sources import session_of
from .exceptions import OriginError

__all__ = ["Credentials", "IDTokenCredentials"]


class Credentials(SessionCredentials):
    """The person's access token, for Google's APIs: ``AuthorizedSession(Credentials())``.

    The scopes are those that were granted at the sign-in.

    Parameters
    ----------
    auth_manager
        Whose token it is: an AuthManager. By default the session that somebody signed in to in this process last, else
        the profile's; that is decided here, and holds for as long as the credentials are used.
    """

    def __init__(self, auth_manager: Any | None = None) -> None:
        super().__init__(session_of(auth_manager))


class IDTokenCredentials(SessionCredentials):
    """The person's ID token, for services behind IAP: ``AuthorizedSession(IDTokenCredentials("https://app.example.com"))``.

    The token goes to the origins that are named, and a request to any other is an OriginError. An AuthorizedSession
    does not ask again on a redirect; requests then leaves the token out where the host is another one.

    Parameters
    ----------
    origins
        The services that may see the token, such as "https://app.example.com".
    auth_manager
        As for Credentials.

    Raises
    ------
    OriginError
        No origin is named, or one of them must not see a token, as it is not https.
    """

    kind = "id"

    def __init__(self, *origins: str, auth_manager: Any | None = None) -> None:
        super().__init__(session_of(auth_manager))
        if not origins:
            raise OriginError("no origin is named", hint="name the services that may see the token")
        self._origins = allowed_all(origins)

    def before_request(self, request: object, method: str, url: str, headers: Any) -> None:
        """Puts a token that is good now into the headers of a request to one of the origins."""
        origin = allowed(url)
        if origin not in self._origins:
            raise _iap.not_listed(origin, self._origins)
        headers.setdefault(_iap.REQUESTED_WITH, _iap.XML_HTTP_REQUEST)
        super().before_request(request, method, url, headers)
