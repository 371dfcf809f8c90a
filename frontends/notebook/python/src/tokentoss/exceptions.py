"""What can go wrong, as types. Each error says what happened, and its hint what to do next."""

from __future__ import annotations

import re
import sys
from typing import Any

__all__ = [
    "ConfigurationError",
    "ExecutableEndedError",
    "ExecutableError",
    "ExecutableNotFoundError",
    "ExecutableVersionError",
    "IAPRefusedError",
    "InsecureFilePermissionsWarning",
    "InteractionRequiredError",
    "NoCredentialsError",
    "NotConfiguredError",
    "NotRevokedError",
    "OriginError",
    "RenewedRecentlyError",
    "SignInError",
    "SignInNeededError",
    "SignInTimeoutError",
    "StorageError",
    "TokenExchangeError",
    "TokenRefreshError",
    "TokenTossError",
    "WidgetUnavailableError",
]


class TokenTossError(Exception):
    """The base of all errors of tokentoss. ``hint`` says what to do next, if that is known."""

    hint: str | None = None

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint:
            self.hint = hint

    def __str__(self) -> str:
        text = str(self.args[0]) if self.args else ""
        return f"{text}\nhint: {self.hint}" if self.hint else text


class NoCredentialsError(TokenTossError):
    """Nobody is signed in where a token was looked for."""

    hint = "sign in: display(tokentoss.GoogleAuthWidget()) in a notebook, tokentoss.sign_in() elsewhere"

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or "No valid credentials found.", hint=hint)


class NotConfiguredError(NoCredentialsError, ValueError):
    """There is no OAuth client to sign in with yet."""

    hint = "configure one: display(tokentoss.ConfigureWidget()), or tokentoss.configure(path='client_secrets.json')"


class TokenRefreshError(TokenTossError):
    """The tokens could not be refreshed. The session stays."""


class RenewedRecentlyError(TokenRefreshError):
    """A newer token than the one that was refused would not help: it was obtained moments ago."""


class SignInNeededError(NoCredentialsError, TokenRefreshError):
    """There is no session, or it has ended: only a person can go on."""


class TokenExchangeError(TokenTossError):
    """A sign-in did not end in a session."""


class SignInError(TokenExchangeError):
    """A sign-in failed, was refused or was cancelled."""


class SignInTimeoutError(SignInError, TimeoutError):
    """Nobody finished the sign-in in time."""


class InteractionRequiredError(SignInError):
    """A sign-in needs a person, and there is none here."""


class NotRevokedError(TokenTossError):
    """The session is forgotten here, but the provider could not be told."""


class StorageError(TokenTossError):
    """The place where the session is kept cannot be used. ``reason`` is the kind of fault in one word."""

    reason: str = ""


class ConfigurationError(TokenTossError, ValueError):
    """An OAuth client, a setting, or the name of a profile or store cannot be used."""


class OriginError(TokenTossError, ValueError):
    """A request to where the token must not go. Nothing was sent there."""


class ExecutableError(TokenTossError):
    """The tokentoss executable does not do its work."""


class ExecutableNotFoundError(ExecutableError):
    """The tokentoss executable is not where this package brings it."""


class ExecutableVersionError(ExecutableError):
    """The tokentoss executable does not speak this package's protocol."""


class ExecutableEndedError(ExecutableError):
    """The tokentoss executable ended before it had answered."""


class WidgetUnavailableError(TokenTossError, ImportError):
    """anywidget is not installed."""


class IAPRefusedError(TokenTossError):
    """IAP's answer to a token that it does not accept, or to a person who has no access.

    ``status_code`` is 401, 403, or that of a redirect to a sign-in page; ``origin`` the service; ``email`` who is
    signed in; ``audience`` the OAuth client; ``iap_code`` the number on IAP's page, 0 for none; ``reason`` IAP's words
    as far as they are safe to show; ``renewed`` tells whether a second token was tried.
    """

    def __init__(
        self,
        *,
        status_code: int,
        origin: str,
        email: str = "",
        audience: str = "",
        iap_code: int = 0,
        reason: str = "",
        renewed: bool = False,
        one_shot: bool = False,
        **more: Any,
    ) -> None:
        self.status_code = status_code
        self.origin = origin
        self.email = email
        self.audience = audience
        self.iap_code = iap_code
        self.reason = reason
        self.renewed = renewed
        self.one_shot = one_shot
        Exception.__init__(self, self._text())
        self.hint = self._hint()
        for name, value in more.items():  # response and request, of the library that is in use
            setattr(self, name, value)

    def _text(self) -> str:
        if self.status_code == 403:
            text = f"{_who(self.email)} has no access to {self.origin} (403, client {self.audience})"
        else:
            text = f"{self.origin} refused the token of {_who(self.email)} ({self.status_code}, client {self.audience})"
        if self.renewed:
            text += ", also after renewing the token"
        if self.reason:
            text += f": {self.reason}"
        return text + (f" (IAP error code {self.iap_code})" if self.iap_code else "")

    def _hint(self) -> str:
        if self.status_code == 403:
            return (
                f"ask the owner of {self.origin} to grant {_who(self.email)} roles/iap.httpsResourceAccessor on it; "
                "if that is granted, an access level refuses this sign-in: sign in again, from a place and device that "
                "it allows"
            )
        if self.one_shot:
            return "make the request again, with a body that can be sent twice: bytes, or an open file"
        return (
            f"either the OAuth client {self.audience} is not on the programmatic allowlist of {self.origin} (its owner "
            "adds it with: gcloud iap settings set), or an access level wants a fresh sign-in: sign in again"
        )


class InsecureFilePermissionsWarning(UserWarning):
    """A file with tokens can be read by others."""


def in_kernel() -> bool:
    """Tells whether this is a notebook's kernel, where tracebacks are saved with the notebook."""
    return "ipykernel.kernelapp" in sys.modules


def _who(email: str) -> str:
    """Names a person, but not in what a notebook saves: there it is in the error's ``email``."""
    return email if email and not in_kernel() else "the signed-in account"


def for_notebook(text: str) -> str:
    """Leaves e-mail addresses out of a text that a notebook would save."""
    return re.sub(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+", "the account", text) if in_kernel() else text
