"""A session as credentials for Google's own libraries: those of google-auth where that is installed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from ._logging import logger
from ._secret import Secret
from ._session import Session
from .exceptions import NoCredentialsError, TokenTossError

if TYPE_CHECKING:
    import google.auth.credentials

    Base = google.auth.credentials.Credentials
else:
    try:
        from google.auth.credentials import Credentials as Base
    except ImportError:
        Base = object


class SessionCredentials(Base):
    """A session as credentials, with the attributes of google-auth's.

    ``token`` is the access token and ``id_token`` the ID token. There is no refresh token here: the executable keeps
    it.
    """

    kind = "access"

    token: Any
    expiry: Any

    def __init__(self, session: Session) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
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
        """None: it does not leave the executable."""
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
        """Takes a newer token from the session.

        Parameters
        ----------
        request
            Not used: the executable speaks with the provider.

        Raises
        ------
        NoCredentialsError
            Nobody is signed in, or the session has ended.
        TokenRefreshError
            The provider could not be asked.
        """
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


def of_session(session: Session) -> SessionCredentials:
    """Returns a session's credentials, with a token if there is one to be had now."""
    credentials = SessionCredentials(session)
    try:
        credentials.refresh()
    except NoCredentialsError:
        raise
    except TokenTossError as e:  # they are tried again when they are used
        logger.debug("no access token yet: %s", e.args[0])
    return credentials
