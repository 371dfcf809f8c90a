"""Apps that many people visit: for whose visit this code runs.

A Voila kernel, a session of Solara or Panel, and one of ``marimo run`` is a visitor's. What is opened there without
being named is that visitor's own, in memory, and ends with the visit; the profile of who runs the server is another
person's, which nothing here shows or uses. TOKENTOSS_VISITORS=1 says so of any other server, and 0 that there are none.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from ._logging import logger
from .exceptions import in_kernel

ENV = "TOKENTOSS_VISITORS"


class Visit:
    """What a visitor has here."""

    def __init__(self) -> None:
        self.current: Any = None  # the session that is found without being named
        self.ends_by_itself = False  # the host was asked to tell when it ends
        self._sessions: dict[str, Any] = {}
        self._lock = threading.Lock()

    def session(self, params: dict[str, Any], make: Callable[[dict[str, Any]], Any]) -> Any:
        """Returns the visitor's session for these parameters; one for all who ask alike."""
        key = json.dumps(params, sort_keys=True)
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = make({**params, "store": {"memory": {}}})
            return self._sessions[key]

    def end(self) -> None:
        """Forgets the sessions. It may be called while an object is taken away, and so waits for nothing."""
        sessions, self._sessions, self.current = list(self._sessions.values()), {}, None
        if sessions and not sys.is_finalizing():
            threading.Thread(target=_close, args=(sessions,), name="tokentoss-visit-ends", daemon=True).start()


def _close(sessions: list[Any]) -> None:
    for session in sessions:
        try:
            session.close()
        except Exception:
            logger.debug("a visitor's session could not be closed", exc_info=True)


_visits: dict[int, Visit] = {}  # by the identity of what the host has for a visitor
_lock = threading.Lock()
_served = False
_process = Visit()


def here() -> Visit | None:
    """Returns the visit for which this runs, and None where there are no visitors.

    Where there are, and nobody can tell which one this is for, it is a visit of its own, which shares nothing.
    """
    global _served
    told = os.environ.get(ENV)
    if told == "0":
        return None
    if in_kernel():
        return _process if told == "1" or any(name in os.environ for name in _VOILA) else None
    if (owner := _owner()) is not None:
        _served = True
        return _visit_of(owner)
    return Visit() if told == "1" or _served else None


_VOILA = ("VOILA_BASE_URL", "VOILA_KERNEL_ID", "VOILA_REQUEST_URL")


def _visit_of(owner: Any) -> Visit:
    with _lock:
        visit = _visits.get(id(owner))
        if visit is None:
            visit = _visits[id(owner)] = Visit()
            weakref.finalize(owner, _gone, id(owner)).atexit = False
        if not visit.ends_by_itself:
            visit.ends_by_itself = _ends_with(owner, visit)
        return visit


def _ends_with(owner: Any, visit: Visit) -> bool:
    """Has the visit end when the host says so; else it ends when the host lets go of what it has for it."""
    if hasattr(owner, "on_close"):  # Solara
        owner.on_close(visit.end)
    elif hasattr(owner, "on_session_destroyed"):  # Panel, Bokeh
        owner.on_session_destroyed(lambda session_context: visit.end())
    elif isinstance(threading.current_thread(), getattr(sys.modules["marimo"], "Thread", ())):
        return False  # one that a visitor's code started, which ends before the visit
    else:  # marimo, which keeps what it has for visitors after they have gone, but not their threads
        _of_thread.end = _End()
        weakref.finalize(_of_thread.end, visit.end).atexit = False
    return True


class _End:
    """Is let go of by a thread that ends."""


_of_thread = threading.local()


def _gone(owner: int) -> None:
    visit = _visits.pop(owner, None)
    if visit is not None:
        visit.end()


def _owner() -> Any:
    """Returns what the host has for the visitor for whom this runs, and which ends with the visit."""
    for name, find in _HOSTS.items():
        module = sys.modules.get(name)
        if module is None:
            continue
        try:
            owner = find(module)
        except Exception:  # of another version
            logger.debug("%s does not tell who visits", name, exc_info=True)
            continue
        if owner is not None:
            return owner
    return None


def _solara(module: Any) -> Any:
    return module.get_current_context() if module.has_current_context() else None


def _marimo(module: Any) -> Any:
    if sys.modules["marimo"].app_meta().mode != "run":
        return None
    context = module.get_context()
    while getattr(context, "parent", None) is not None:  # of an app in an app
        context = context.parent
    return context.ui_element_registry  # which the copies of a context for threads have in common


def _panel(module: Any) -> Any:
    return _served_document(module.state.curdoc)


def _bokeh(module: Any) -> Any:
    return _served_document(module.curdoc())


def _served_document(document: Any) -> Any:
    document = getattr(document, "_doc", document)
    return document if document is not None and document.session_context is not None else None


_HOSTS: dict[str, Callable[[Any], Any]] = {
    "solara.server.kernel_context": _solara,
    "marimo._runtime.context": _marimo,
    "panel.io.state": _panel,
    "bokeh.io.doc": _bokeh,
}


def reset() -> None:
    """Forgets all visits."""
    global _served, _process
    _served = False
    with _lock:
        _visits.clear()
    _process = Visit()
