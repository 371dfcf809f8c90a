"""What only serves programs that were written for tokentoss 0.1, and goes on 2028-01-01.

Tokens that are read and written in Python, and a flow that was in Python. AuthManager, FileStorage, MemoryStorage and
GoogleAuthWidget have it from here; the names are found where they were.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import stat
import tempfile
import warnings
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ._secret import parse_time
from ._session import Session
from .exceptions import InsecureFilePermissionsWarning, NoCredentialsError, StorageError, TokenExchangeError

UNTIL = "2028-01-01"


@dataclass
class TokenData:
    """The tokens of a session. Those of a session of the executable have no refresh token: that stays there."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expiry: str
    scopes: list[str]
    user_email: str | None = field(default=None, repr=False)
    created_at: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns what the file has."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TokenData:
        """Takes what the file has. Fields that are not known here are left out; KeyError where one is missing."""
        return cls(
            access_token=data["access_token"],
            id_token=data["id_token"],
            refresh_token=data["refresh_token"],
            expiry=data["expiry"],
            scopes=data.get("scopes") or [],
            user_email=data.get("user_email"),
            created_at=data.get("created_at"),
        )

    @property
    def created_at_datetime(self) -> datetime | None:
        """When the person signed in."""
        return parse_time(self.created_at)

    @property
    def expiry_datetime(self) -> datetime:
        """When the tokens expire."""
        expiry = parse_time(self.expiry)
        if expiry is None:
            raise ValueError("the tokens have no expiry")
        return expiry

    @property
    def is_expired(self) -> bool:
        """Whether the tokens have expired."""
        return datetime.now(timezone.utc) >= self.expiry_datetime


def token_data(session: Session) -> TokenData | None:
    """Returns the tokens of a session, None when nobody is signed in."""
    try:
        token, access = session.token("id"), session.token("access")
    except NoCredentialsError:
        return None
    status = session.status()
    return TokenData(
        access_token=access.value,
        id_token=token.value,
        refresh_token="",
        expiry=token.expiry.isoformat() if token.expiry else "",
        scopes=list(status.get("scopes") or []),
        user_email=status.get("email") or token.email or None,
        created_at=status.get("signed_in_at"),
    )


class MemoryTokens:
    """The tokens of a MemoryStorage."""

    _tokens: TokenData | None = None
    _session: Session | None = None

    def save(self, tokens: TokenData) -> None:
        """Keeps tokens, which the next AuthManager begins with."""
        self._tokens = tokens
        self._session = None

    def load(self) -> TokenData | None:
        """Returns the tokens that are kept, or None."""
        return self._tokens if self._session is None else token_data(self._session)

    def clear(self) -> None:
        """Forgets the tokens."""
        self._tokens = None
        if self._session is not None:
            self._session.sign_out(local=True)

    def exists(self) -> bool:
        """Tells whether there are tokens."""
        return self.load() is not None


class FileTokens:
    """The tokens of a FileStorage, in its file."""

    SECURE_PERMISSIONS = stat.S_IRUSR | stat.S_IWUSR

    path: Path

    def save(self, tokens: TokenData) -> None:
        """Writes tokens to the file, all or nothing; StorageError where it cannot."""
        path = self.path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600
            try:
                with os.fdopen(fd, "w", encoding="utf-8") as f:
                    json.dump(tokens.to_dict(), f, indent=2)
                    f.flush()
                    os.fsync(f.fileno())
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as e:
            raise StorageError(f"cannot save tokens to {path}: {e.strerror}") from e

    def load(self) -> TokenData | None:
        """Returns what the file has, None where there is none; StorageError where it cannot be used.

        A file that others can read is warned of by InsecureFilePermissionsWarning.
        """
        path = self.path
        try:
            mode = path.stat().st_mode & 0o777
            if os.name == "posix" and mode != self.SECURE_PERMISSIONS:
                warnings.warn(
                    f"Token file {path} has insecure permissions (mode {mode:#o}): its owner alone should read "
                    f"and write it. Run: chmod 600 {path}",
                    InsecureFilePermissionsWarning,
                    stacklevel=2,
                )
            return TokenData.from_dict(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as e:
            raise StorageError(f"cannot read the token file {path}: {e.strerror}") from e
        except ValueError:  # whose traceback would have the tokens
            raise StorageError(f"the token file {path} is not valid JSON") from None
        except KeyError as e:
            raise StorageError(f"the token file {path} has no field {e}") from None
        except (TypeError, AttributeError):
            raise StorageError(f"the token file {path} does not have tokens in it") from None

    def clear(self) -> None:
        """Deletes the file."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as e:
            raise StorageError(f"cannot delete the token file {self.path}: {e.strerror}") from e

    def exists(self) -> bool:
        """Tells whether the file is there."""
        return self.path.exists()


class OwnFlow:
    """The parts of a flow in Python, which AuthManager had."""

    def get_authorization_url(
        self, code_challenge: str, redirect_uri: str = "http://localhost", state: str | None = None
    ) -> str:
        """Raises TokenExchangeError: the executable makes the address, and no code passes through Python."""
        raise TokenExchangeError("AuthManager makes no authorization URL any more", hint=_NO_FLOW)

    def exchange_code(self, auth_code: str, code_verifier: str, redirect_uri: str = "http://localhost") -> TokenData:
        """Raises TokenExchangeError: the executable takes the code, and checks its state."""
        raise TokenExchangeError("AuthManager exchanges no code any more", hint=_NO_FLOW)


_NO_FLOW = "use display(GoogleAuthWidget(auth_manager=...)) or tokentoss.sign_in(auth_manager): they do the whole flow"


def generate_pkce_pair() -> tuple[str, str]:
    """Returns a PKCE code verifier and its S256 challenge (RFC 7636), for programs with a flow of their own."""
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
