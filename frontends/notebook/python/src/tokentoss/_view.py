"""A view of a session: what both widgets are, and what waits for a sign-in."""

from __future__ import annotations

import threading
import time
from typing import Any

from ._session import Message, Session
from .exceptions import SignInError, SignInTimeoutError, for_notebook

WANTED = ("signed_out", "needs_sign_in")


def wants_arm(snapshot: Message) -> bool:
    """Tells whether a view that somebody looks at asks for an address to sign in at."""
    idle = not snapshot.get("attempt") and not snapshot.get("stuck") and not snapshot.get("busy")
    return snapshot.get("phase") in WANTED and idle


def arm(snapshot: Message) -> Message:
    """Returns the message that asks for an address."""
    return {"v": 1, "type": "arm", "seq": snapshot.get("seq", 0)}


def problem_text(problem: dict[str, Any]) -> str:
    """Returns what is said of an error of a sign-in."""
    return for_notebook(f"{problem.get('message', '')} {problem.get('detail', '')}".strip())


class Waiter:
    """Waits for the sign-in of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._changed = threading.Condition()
        self._last: Message | None = None

    def __call__(self, message: Message) -> None:
        """Takes a message down."""
        if message.get("type") not in ("snapshot", "fatal"):
            return
        with self._changed:
            self._last = message
            self._changed.notify_all()

    def wait(self, timeout: float | None) -> None:
        """Returns when somebody is signed in. It keeps an address to sign in at ready."""
        end = None if timeout is None else time.monotonic() + timeout
        self._session.attach(self)
        try:
            self._session.send({"v": 1, "type": "hello"})
            while True:
                message = self._next(end)
                if message.get("code") == "lost":
                    continue  # it starts anew
                if message["type"] == "fatal":
                    raise SignInError(message.get("message") or "the sign-in cannot go on", hint="run the cell again")
                if message["phase"] == "signed_in":
                    return
                if message.get("stuck") and message.get("error"):
                    raise SignInError(
                        problem_text(message["error"]), hint="put that right, then display the widget again"
                    )
                if wants_arm(message):
                    self._session.send(arm(message))
        finally:
            self._session.detach(self)

    def _next(self, end: float | None) -> Message:
        with self._changed:
            while self._last is None:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise SignInTimeoutError(
                        "nobody finished the sign-in in time", hint="click the button, then wait again"
                    )
                # In short turns: elsewhere than on POSIX, an interrupt waits for the end of one.
                self._changed.wait(1.0 if left is None else min(left, 1.0))
            message, self._last = self._last, None
            return message
