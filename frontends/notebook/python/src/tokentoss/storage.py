"""Where a session is kept, for programs that choose that themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import _rpc
from ._session import Session, open_session
from .compat import FileTokens, MemoryTokens, TokenData

__all__ = ["FileStorage", "MemoryStorage", "TokenData"]


class MemoryStorage(MemoryTokens):
    """Keeps a session in memory, and so only as long as this process lives."""

    def __init__(self) -> None:
        self._tokens: TokenData | None = None
        self._session: Session | None = None

    def __repr__(self) -> str:
        return "MemoryStorage()"

    def __reduce__(self) -> Any:
        raise TypeError("a MemoryStorage is not pickled: its session does not leave this process")

    def _open(self, **params: Any) -> Session:
        """Returns the session that is kept here."""
        if self._session is None:
            record = {"record": self._tokens.to_dict()} if self._tokens is not None else {}
            self._session = open_session(store={"memory": record}, **params)
        return self._session


class FileStorage(FileTokens):
    """Keeps a session in a file of its own, which only its owner can read.

    Parameters
    ----------
    path
        The file. By default it is the default profile's: tokens.json in the configuration directory.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = Path(path) if path is not None else None

    def __repr__(self) -> str:
        return f"FileStorage({str(self._path)!r})" if self._path is not None else "FileStorage()"

    @property
    def path(self) -> Path:
        """The file."""
        if self._path is None:
            self._path = _rpc.config_dir() / "tokens.json"
        return self._path

    @path.setter
    def path(self, path: str | Path) -> None:
        self._path = Path(path)

    def _open(self, **params: Any) -> Session:
        """Returns the session that is kept here."""
        return open_session(store={"file": str(self.path.expanduser().absolute())}, **params)
