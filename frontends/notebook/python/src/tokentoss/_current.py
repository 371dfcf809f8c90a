"""The session that somebody signed in to last, in this process or on this visit, which is found without being named."""

from __future__ import annotations

import sys
from typing import Any

from . import _visitors

_session: Any = None


def publish(session: Any) -> None:
    """Makes a session the one that is found without being named."""
    global _session
    visit = getattr(session, "visit", None)
    if visit is not None:
        visit.current = session
        return
    _session = session
    _package().pop("CREDENTIALS", None)


def withdraw(session: Any) -> None:
    """Undoes publish() for a session that has ended."""
    global _session
    visit = getattr(session, "visit", None)
    if visit is not None and visit.current is session:
        visit.current = None
    if _session is session:
        _session = None


def session() -> Any:
    """Returns the session that was published, or None; in an app the one of who visits it."""
    visit = _visitors.here()
    return _session if visit is None else visit.current


def put() -> tuple[Any, bool]:
    """Returns what a program put into tokentoss.CREDENTIALS, and whether it put anything there."""
    package = _package()
    return package.get("CREDENTIALS"), "CREDENTIALS" in package


def reset() -> None:
    """Forgets the session, and what a program put in its place."""
    global _session
    _session = None
    _package().pop("CREDENTIALS", None)


def _package() -> dict[str, Any]:
    return vars(sys.modules[__package__])
