"""Signs in where there is no widget: in terminals, and in notebooks that show none."""

from __future__ import annotations

import contextlib
import html
import queue
import sys
import threading
import time
from typing import Any

from . import _current, _kernel
from ._prompt import Prompt, prompt
from ._session import Message, Session, open_session
from ._view import problem_text, wants_arm
from .auth_manager import DEFAULT_MAX_SESSION_LIFETIME_HOURS, AuthManager
from .exceptions import InteractionRequiredError, NotConfiguredError, SignInError, SignInTimeoutError, TokenTossError

__all__ = ["sign_in", "sign_out"]

_ASK = "If the browser ends on a page that cannot be reached, paste the whole address of that page here: "

_NO_PROMPT = (
    "This cell ends when you are signed in. Where the browser ends on a page that cannot be reached, interrupt the "
    "kernel and call tokentoss.sign_in(paste=True)."
)


def sign_in(
    auth_manager: AuthManager | None = None, *, timeout: float = 300.0, paste: bool | None = None
) -> AuthManager:
    """Signs a person in by a link, and returns the session. Who is signed in already is not asked again.

    The link is opened in any browser. Where its way back does not reach this machine, the address that the browser
    ends on is pasted into a masked prompt. A terminal has that prompt, and a notebook where its kernel is likely to be
    on another machine than the browser; paste says it for sure.

    An interrupt cancels.

    Parameters
    ----------
    auth_manager
        The session to sign in to. By default it is the profile's, which the shell uses too.
    timeout
        Seconds to wait for the person.
    paste
        Whether to ask for the address that the browser ended on.

    Returns
    -------
    AuthManager
        The session, with somebody signed in.

    Raises
    ------
    InteractionRequiredError
        There is no person here to ask, as under nbconvert.
    NotConfiguredError
        There is no OAuth client to sign in with.
    SignInTimeoutError
        Nobody finished the sign-in in time. It is a TimeoutError.
    SignInError
        The sign-in failed, was refused, or was cancelled.
    """
    manager = auth_manager or AuthManager._for_widget(None, None, None, None, DEFAULT_MAX_SESSION_LIFETIME_HOURS)
    if manager.is_authenticated:
        _current.publish(manager._session)
        return manager
    if not _kernel.has_person():
        raise InteractionRequiredError(
            "nobody is signed in, and there is nobody here to do that", hint=_kernel.SIGN_IN_ELSEWHERE
        )
    _SignIn(manager._session, timeout, paste).run()
    manager.last_error = None
    return manager


def sign_out(auth_manager: AuthManager | None = None, *, local: bool = False) -> None:
    """Ends the session. The shell and Go programs share it by default.

    Parameters
    ----------
    auth_manager
        The session. By default it is the profile's.
    local
        Forgets the session here, and does not tell the provider.

    Raises
    ------
    NotRevokedError
        The session is forgotten here, but the provider could not be told.
    """
    session = auth_manager._session if auth_manager is not None else open_session()
    _current.withdraw(session)
    session.sign_out(local)


class _SignIn:
    """One sign-in: a view of the session, whose screen is text."""

    def __init__(self, session: Session, timeout: float, paste: bool | None) -> None:
        self._session = session
        self._paste = paste
        self._end = time.monotonic() + timeout
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._prompt: Prompt | None = None
        self._attempt = 0
        self._box_left = False
        self._link = _Link()
        self._timer = threading.Timer(timeout, self._messages.put, [{"type": "timeout"}])

    def run(self) -> None:
        self._session.attach(self._receive)
        self._timer.daemon = True
        self._timer.start()
        try:
            self._up("hello")
            while not self._step(self._messages.get(timeout=max(0.1, self._end - time.monotonic()) + 1)):
                pass
            self._link.close("Signed in. Press Enter in the box to go on." if self._box_left else "Signed in.")
        except BaseException as e:
            self._link.close("Not signed in.")
            if self._attempt and isinstance(e, (KeyboardInterrupt, SignInTimeoutError)):
                with contextlib.suppress(TokenTossError):
                    self._up("cancel", attempt=self._attempt)
            raise
        finally:
            self._timer.cancel()
            self._session.detach(self._receive)

    def _receive(self, message: Message) -> None:
        """Takes a message down; called by the thread that reads."""
        self._messages.put(message)
        asked = self._prompt
        over = message.get("type") == "fatal" or (
            message.get("type") == "snapshot" and message.get("phase") not in ("waiting", "exchanging")
        )
        if asked is not None and over:
            asked.stop()

    def _step(self, message: Message) -> bool:
        """Does what a message asks for, and tells whether that was the last."""
        kind = message["type"]
        if kind == "timeout":
            raise SignInTimeoutError("nobody finished the sign-in in time", hint="call tokentoss.sign_in() again")
        if kind == "fatal":
            raise SignInError(message.get("message") or "the sign-in cannot go on")
        if kind == "armed":
            self._offer(message)
        return kind == "snapshot" and self._look(message)

    def _look(self, snapshot: Message) -> bool:
        if self._paste is None:
            # In a notebook, a field that is not answered holds up all cells to come.
            self._paste = _kernel.kernel() is None or bool(snapshot.get("remote_hint"))
        if snapshot["phase"] == "signed_in":
            return True
        if snapshot["phase"] == "unconfigured":
            raise NotConfiguredError("there is no OAuth client to sign in with")
        problem = snapshot.get("error")
        if problem and problem.get("code") == "bad_answer" and snapshot.get("attempt"):
            self._link.say(problem_text(problem))
            self._ask()
        elif problem and (self._attempt or snapshot.get("stuck")):
            raise SignInError(problem_text(problem), hint="call tokentoss.sign_in() again")
        elif self._attempt and wants_arm(snapshot):
            raise SignInError("the sign-in was cancelled", hint="call tokentoss.sign_in() again")
        return False

    def _offer(self, armed: Message) -> None:
        if armed["attempt"] == self._attempt:
            return
        self._attempt = armed["attempt"]
        self._link.show(armed["auth_url"], armed.get("code"), "" if self._paste else _NO_PROMPT)
        self._up("opened", attempt=self._attempt)
        if self._paste:
            self._ask()

    def _ask(self) -> None:
        """Asks for the address that the browser ended on, until it came back by itself."""
        self._prompt = prompt(_ASK)
        waker = threading.Timer(max(0.0, self._end - time.monotonic()), self._prompt.stop)
        waker.daemon = True
        waker.start()
        try:
            answer = self._prompt.ask()
        finally:
            self._prompt = None
            waker.cancel()
        if answer is None:
            self._box_left = _kernel.kernel() is not None
        if answer:
            self._up("redirect", url=answer, attempt=self._attempt)

    def _up(self, kind: str, **fields: Any) -> None:
        self._session.send({"v": 1, "type": kind, **fields})


class _Link:
    """Shows the link. A notebook saves what is shown, so there it is taken away again."""

    def __init__(self) -> None:
        self._display: Any = None

    def show(self, url: str, code: str | None, more: str) -> None:
        enter = (f"Enter this code there: {code}\n" if code else "") + more
        if _kernel.kernel() is None:
            sys.stderr.write(f"Open this address to sign in:\n\n  {url}\n\n{enter}")
            return
        from IPython.display import DisplayHandle

        link = f'<a href="{html.escape(url)}" target="_blank" rel="noopener">Sign in with Google</a>'
        bundle = {
            "text/html": f"<p>{link}</p><p>{html.escape(enter)}</p>",
            "text/plain": f"Open this address to sign in: {url}\n{enter}",
        }
        if self._display is None:
            # First the handle: an interrupt may come as soon as the link is there.
            self._display = DisplayHandle()  # type: ignore[no-untyped-call]
            self._display.display(bundle, raw=True)
        else:
            self._display.update(bundle, raw=True)

    def say(self, text: str) -> None:
        sys.stderr.write(text + "\n")

    def close(self, text: str) -> None:
        if self._display is not None:
            self._display.update({"text/plain": text}, raw=True)
            self._display = None
        elif _kernel.kernel() is None:
            sys.stderr.write(text + "\n")
