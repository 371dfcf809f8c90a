"""Where the tokens are kept, for programs that choose or read it themselves. The sessions' own work is the engine's."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import warnings
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ._secret import parse_time
from ._session import Session, open_session
from .exceptions import InsecureFilePermissionsWarning, NoCredentialsError, StorageError

__all__ = ["FileStorage", "MemoryStorage", "TokenData"]


@dataclass
class TokenData:
    """The tokens of a session. Those of a session of the engine have no refresh token: that stays there."""

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
        """Takes what the file has. Fields that are not known here are left out."""
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


class MemoryStorage:
    """Keeps a session in the memory of the engine, and so only as long as this process lives."""

    def __init__(self) -> None:
        self._tokens: TokenData | None = None
        self._session: Session | None = None

    def save(self, tokens: TokenData) -> None:
        """Keeps tokens, which the next AuthManager begins with."""
        self._tokens = tokens
        self._session = None

    def load(self) -> TokenData | None:
        """Returns the tokens that are kept, or None."""
        if self._session is None:
            return self._tokens
        return token_data(self._session)

    def clear(self) -> None:
        """Forgets the tokens."""
        self._tokens = None
        if self._session is not None:
            self._session.sign_out(local=True)

    def exists(self) -> bool:
        """Tells whether there are tokens."""
        return self.load() is not None

    def _open(self, **params: Any) -> Session:
        """Returns the session that is kept here."""
        if self._session is None:
            record = {"record": self._tokens.to_dict()} if self._tokens is not None else {}
            self._session = open_session(store={"memory": record}, **params)
        return self._session


class FileStorage:
    """Keeps a session in a file of its own, which only its owner can read.

    Without a path it is the default profile's: tokens.json in the configuration directory.
    """

    SECURE_PERMISSIONS = stat.S_IRUSR | stat.S_IWUSR

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = Path(path) if path is not None else None

    @property
    def path(self) -> Path:
        """The file."""
        if self._path is None:
            from .setup import config_dir

            self._path = config_dir() / "tokens.json"
        return self._path

    @path.setter
    def path(self, path: str | Path) -> None:
        self._path = Path(path)

    def save(self, tokens: TokenData) -> None:
        """Writes tokens to the file, all or nothing; StorageError where it cannot."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)  # 0600
            try:
                with os.fdopen(fd, "w", encoding="utf-8") as f:
                    json.dump(tokens.to_dict(), f, indent=2)
                    f.flush()
                    os.fsync(f.fileno())
                os.replace(temporary, self.path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as e:
            raise StorageError(f"cannot save tokens to {self.path}: {e.strerror}") from e

    def load(self) -> TokenData | None:
        """Returns what the file has, None where there is none; StorageError where it cannot be used.

        A file that others can read is warned of by InsecureFilePermissionsWarning.
        """
        try:
            mode = self.path.stat().st_mode & 0o777
            if os.name == "posix" and mode != self.SECURE_PERMISSIONS:
                warnings.warn(
                    f"Token file {self.path} has insecure permissions (mode {mode:#o}): its owner alone should read "
                    f"and write it. Run: chmod 600 {self.path}",
                    InsecureFilePermissionsWarning,
                    stacklevel=2,
                )
            return TokenData.from_dict(json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as e:
            raise StorageError(f"cannot read the token file {self.path}: {e.strerror}") from e
        except ValueError:  # whose traceback would have the tokens
            raise StorageError(f"the token file {self.path} is not valid JSON") from None
        except KeyError as e:
            raise StorageError(f"the token file {self.path} has no field {e}") from None
        except (TypeError, AttributeError):
            raise StorageError(f"the token file {self.path} does not have tokens in it") from None

    def clear(self) -> None:
        """Deletes the file."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as e:
            raise StorageError(f"cannot delete the token file {self.path}: {e.strerror}") from e

    def exists(self) -> bool:
        """Tells whether the file is there."""
        return self.path.exists()

    def _open(self, **params: Any) -> Session:
        """Returns the session that is kept here."""
        return open_session(store={"file": str(self.path.expanduser().absolute())}, **params)


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
