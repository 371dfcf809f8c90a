"""Sessions of the executable, as this process sees them: tokens that are still good, and messages for views."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import _current, _rpc, _visitors, exceptions
from ._logging import logger
from ._rpc import RPCError, Server
from ._secret import Token
from .exceptions import (
    ExecutableEndedError,
    IAPRefusedError,
    InsecureFilePermissionsWarning,
    NoCredentialsError,
    RenewedRecentlyError,
    StorageError,
    TokenTossError,
)

KEPT = 32  # sessions, of the many that a server takes
REVIVE_EVERY = 10.0  # seconds

Message = dict[str, Any]
View = Callable[[Message], None]


def _translate(e: RPCError) -> TokenTossError:
    """Returns the package's error for one that the executable answered, which names it."""
    kind = getattr(exceptions, e.exception, None) if e.exception in exceptions.__all__ else None
    if kind is None or not issubclass(kind, TokenTossError) or issubclass(kind, IAPRefusedError):
        kind = TokenTossError
    if e.reason == "insecure":
        warnings.warn(e.message + (f" ({e.hint})" if e.hint else ""), InsecureFilePermissionsWarning, stacklevel=4)
    error = kind(e.message, hint=e.hint)
    if isinstance(error, StorageError):
        error.reason = e.reason
    return error


class Session:
    """A session. It is opened when it is first needed, and again where the executable had to start anew.

    It belongs to the environment in which it was made: TOKENTOSS_PROFILE, when it is changed later, makes no other
    person's session of it. It is for any number of threads, and for what an asyncio program runs in threads. Open it by
    open_session().
    """

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._environment = _rpc.environment()
        self._in_memory = "memory" in (params.get("store") or {})
        self.visit = _visitors.here()
        if self.visit is not None and self._in_memory:
            self._params = {**params, "visitor": True}
        self._reset()
        with _lock:
            _sessions.add(self)

    def _reset(self) -> None:
        """Begins anew, as after a fork: no other thread is in here."""
        self._opening = threading.Lock()
        self._fetching = threading.Lock()
        self._server: Server | None = None
        self._id = ""
        self._tokens: dict[str, Token] = {}
        self._views: list[View] = []
        self._listening = False
        self._opened: dict[str, Any] = {}
        self._revived = float("-inf")
        self.problem: TokenTossError | None = None
        self.snapshot: Message | None = None

    def __repr__(self) -> str:
        return "<tokentoss session>"

    # Requests.

    def _open(self) -> tuple[Server, str]:
        server = _rpc.server(self._environment)
        with self._opening:
            if self._server is server:
                return server, self._id
            try:
                opened = server.call("session.open", self._params)
            except RPCError as e:
                raise _translate(e) from None
            self._server, self._id, self._opened = server, opened["session"], opened
            self._tokens.clear()
            self._listening = False
            problem = opened.get("problem")
            self.problem = _translate(RPCError(problem)) if problem else None
            server.subscribe(self._id, self._receive, self._lost)
            session = self._id
        _make_room(self, server)
        return server, session

    def close(self) -> None:
        """Ends the session of a visitor who has gone."""
        self._views, self._listening = [], False
        server = self._server
        if server is not None:
            self._release(server)

    def _release(self, server: Server) -> None:
        """Has the server forget the session, which is opened again when it is needed."""
        with self._opening:
            if self._server is not server:
                return
            self._server, session = None, self._id
        server.unsubscribe(session)
        with contextlib.suppress(RPCError, TokenTossError):
            server.call("session.close", {"session": session})

    def _call(self, method: str, again: bool = True, **params: Any) -> Any:
        try:
            server, session = self._open()
            return server.call(method, {"session": session, **params})
        except ExecutableEndedError:
            if not again:
                raise
            return self._call(method, False, **params)  # by an executable that is started anew
        except RPCError as e:
            if e.reason == "unknown_session" and again:  # to make room for others
                self._server = None
                return self._call(method, False, **params)
            raise _translate(e) from None

    def opened(self) -> dict[str, Any]:
        """Returns what the executable said when the session was opened: profile, store, location, client_file."""
        self._open()
        return self._opened

    def status(self) -> dict[str, Any]:
        """Returns the state and who is signed in. It asks no provider."""
        status: dict[str, Any] = self._call("session.status")
        known = self._tokens.get("id")
        if known is not None and (status["state"] != "signed_in" or status.get("email") not in (None, known.email)):
            self._tokens = {}  # somebody else signed in, in another process
        return status

    def configure(self, params: dict[str, Any]) -> Path:
        """Gives the session its OAuth client, and returns the file where that is."""
        self._tokens = {}
        return Path(self._call("session.configure", False, **params)["client_file"])

    def sign_out(self, local: bool = False) -> None:
        """Ends the session, at the provider too unless local is set."""
        self._tokens = {}
        try:
            self._call("session.sign_out", False, local=local)
        finally:
            self._tokens = {}
            self._begin_empty()

    def _begin_empty(self) -> None:
        """Lets go of the tokens that a session in memory began with: they are not its own any more."""
        if self._in_memory:
            self._params = {**self._params, "store": {"memory": {}}}

    def cached(self, kind: str = "id") -> Token | None:
        """Returns the token if it is here and still good."""
        token = self._tokens.get(kind)
        return token if token is not None and token.fresh() else None

    def token(self, kind: str = "id") -> Token:
        """Returns a token that is good now. However many threads ask, the executable is asked once."""
        token = self.cached(kind)
        if token is not None:
            return token
        with self._fetching:
            return self.cached(kind) or self._fetch(kind)

    def renew(self, stale: Token) -> Token:
        """Returns a newer token than one that a service refused; the same one where a newer one would not help."""
        with self._fetching:
            token = self.cached(stale.kind)
            if token is not None and token.value != stale.value:
                return token
            try:
                return self._fetch(stale.kind, stale=stale.generation)
            except RenewedRecentlyError:
                return stale

    def _fetch(self, kind: str, **more: Any) -> Token:
        tokens = self._tokens  # of who is signed in now: what takes its place meanwhile is somebody else's
        try:
            result = self._call("session.token", kind=kind, **more)
        except NoCredentialsError:
            self._tokens = {}
            raise
        tokens[kind] = token = Token(result, self)
        logger.debug("a new %s token, until %s", kind, token.expiry)
        return token

    # Views.

    def attach(self, view: View) -> None:
        """Has view called with each message down, by the thread that reads from the executable."""
        self._views = [*self._views, view]

    def detach(self, view: View) -> None:
        """Undoes attach()."""
        self._views = [v for v in self._views if v != view]

    def send(self, message: Message, again: bool = True) -> None:
        """Sends a message of a view up."""
        try:
            server, session = self._open()
            self._listening = True
            server.notify("session.message", {"session": session, "message": message})
        except ExecutableEndedError:
            if not again:
                raise
            self.send(message, False)  # by an executable that is started anew

    def _receive(self, message: Message) -> None:
        if message.get("type") == "snapshot":
            self._observe(message)
        elif message.get("code") == "ended":  # the part of the executable that views speak with
            self._lost()
            return
        for view in self._views:
            try:
                view(message)
            except Exception:
                logger.exception("a view could not take a message")

    def _observe(self, snapshot: Message) -> None:
        before = (self.snapshot or {}).get("phase")
        self.snapshot = snapshot
        phase = snapshot.get("phase")
        if phase == before:
            return
        if phase == "signed_in":
            if before not in (None, "starting"):
                self._tokens = {}  # of an earlier session
                self._begin_empty()
            _current.publish(self)
        elif phase in ("signed_out", "needs_sign_in", "unconfigured"):
            self._tokens = {}
            self._begin_empty()
            _current.withdraw(self)

    def _lost(self, _server: Server | None = None) -> None:
        """The executable ended. Views that are on a screen get one that takes its place."""
        self.snapshot = None
        if self._views and self._listening and not _rpc.closing():
            self._receive(_fatal("lost", "tokentoss starts anew."))
            threading.Thread(target=self._revive, name="tokentoss-revive", daemon=True).start()

    def _revive(self) -> None:
        now = time.monotonic()
        if now - self._revived < REVIVE_EVERY:
            self._receive(_fatal("gone", "tokentoss ends again and again. Run the cell again later."))
            return
        self._revived = now
        try:
            self.send({"v": 1, "type": "hello"})
        except TokenTossError as e:
            self._receive(_fatal("gone", f"{e.args[0]}. Run the cell again."))


def _fatal(code: str, message: str) -> Message:
    return {"v": 1, "type": "fatal", "code": code, "message": message}


def _make_room(opened: Session, server: Server) -> None:
    """Keeps the number of sessions that a server holds under its limit. Those that have views stay."""
    with _lock:
        known = list(_sessions)
    others = [s for s in known if s is not opened and s._server is server and not s._views and not s._in_memory]
    for session in others[: max(0, len(others) - KEPT)]:
        session._release(server)


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()
_shared: dict[str, Session] = {}
_lock = threading.RLock()


def open_session(**params: Any) -> Session:
    """Returns the session that session.open would give for these parameters; one for all who ask alike."""
    params = {name: value for name, value in params.items() if value is not None}
    visit = _visitors.here()
    if visit is not None and "store" not in params:
        session: Session = visit.session(params, Session)
        return session
    if "memory" in (params.get("store") or {}):
        return Session(params)
    key = json.dumps([params, _rpc.environment()], sort_keys=True)
    with _lock:
        if key not in _shared:
            _shared[key] = Session(params)
        return _shared[key]


def reset() -> None:
    """Forgets the sessions that are shared by all who ask alike."""
    with _lock:
        _shared.clear()


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.RLock()
    for session in _sessions:
        session._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
