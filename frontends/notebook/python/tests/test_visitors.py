"""Apps that many people visit. Real ones are in the tests of e2e/hosts."""

from __future__ import annotations

import gc
import pickle
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest
from conftest import EMAIL, Emulator, login

import tokentoss
from tokentoss import (
    AuthManager,
    ConfigureWidget,
    FileStorage,
    GoogleAuthWidget,
    IAPClient,
    NoCredentialsError,
    _visitors,
)
from tokentoss.exceptions import ConfigurationError, InteractionRequiredError


class Document:
    """What a server has for a visitor, as Bokeh's."""

    session_context = "a session"

    def __init__(self) -> None:
        self.ends: list[Callable[[Any], None]] = []

    def on_session_destroyed(self, call: Callable[[Any], None]) -> None:
        self.ends.append(call)


class OwnThread(threading.Thread):
    """A thread that a visitor's code starts, as marimo's."""


class App:
    """A server, of which this thread works for one visitor or another."""

    def __init__(self) -> None:
        self.visitor: Document | None = None


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    """A server that serves visitors."""
    made = App()
    module = types.ModuleType("bokeh.io.doc")
    module.curdoc = lambda: made.visitor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bokeh.io.doc", module)
    return made


def until_closed(session: Any) -> None:
    """Waits until the executable has forgotten a session."""
    for thread in threading.enumerate():
        if thread.name == "tokentoss-visit-ends":
            thread.join(30)
    assert session._server is None


def test_nothing_of_the_servers_profile_is_shown_or_used(configured: Emulator, app: App) -> None:
    login()
    assert GoogleAuthWidget().is_authenticated, "where nobody visits, it is the profile's"
    assert tokentoss.CREDENTIALS is not None
    app.visitor = Document()
    widget = GoogleAuthWidget()
    assert not widget.is_authenticated and widget.user_email == ""
    assert tokentoss.CREDENTIALS is None
    with pytest.raises(NoCredentialsError):
        IAPClient(base_url=configured.iap).get("/whoami")
    app.visitor = None  # code of the server that nobody knows the visitor of
    assert not GoogleAuthWidget().is_authenticated
    with pytest.raises(NoCredentialsError):
        IAPClient(base_url=configured.iap).get("/whoami")


def test_what_the_app_says_in_code_is_used(configured: Emulator, app: App) -> None:
    login()
    app.visitor = Document()
    manager = AuthManager(storage=FileStorage())
    assert manager.user_email == EMAIL
    assert IAPClient(base_url=configured.iap, auth_manager=manager).get("/whoami").ok


def test_each_visitor_has_a_session_for_all_that_is_made_on_the_visit(configured: Emulator, app: App) -> None:
    first, second = Document(), Document()
    app.visitor = first
    widget = GoogleAuthWidget()
    assert GoogleAuthWidget().auth_manager._session is widget.auth_manager._session
    app.visitor = second
    assert GoogleAuthWidget().auth_manager._session is not widget.auth_manager._session


def test_a_visit_ends_with_what_the_host_has_for_it(configured: Emulator, app: App) -> None:
    app.visitor = Document()
    session = GoogleAuthWidget().auth_manager._session
    assert session._server is not None
    app.visitor.ends[0]("the session context")
    until_closed(session)
    app.visitor = Document()
    session = GoogleAuthWidget().auth_manager._session
    app.visitor = None
    gc.collect()
    until_closed(session)
    assert not _visitors._visits


def test_a_visit_to_marimo_ends_with_the_visitors_thread(configured: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not with a thread that the visitor's code starts, whose context is a copy."""
    registry = App()
    monkeypatch.setitem(
        sys.modules,
        "marimo",
        types.SimpleNamespace(Thread=OwnThread, app_meta=lambda: types.SimpleNamespace(mode="run")),
    )
    monkeypatch.setitem(
        sys.modules,
        "marimo._runtime.context",
        types.SimpleNamespace(get_context=lambda: types.SimpleNamespace(ui_element_registry=registry, parent=None)),
    )
    sessions = []

    def visit() -> None:
        for _ in range(2):
            thread = OwnThread(target=lambda: sessions.append(GoogleAuthWidget().auth_manager._session))
            thread.start()
            thread.join()
        sessions.append(GoogleAuthWidget().auth_manager._session)
        assert sessions[0] is sessions[1] is sessions[2]
        assert sessions[0]._server is not None

    thread = threading.Thread(target=visit)
    thread.start()
    thread.join()
    assert len(sessions) == 3
    until_closed(sessions[0])


def test_the_client_is_not_the_visitors_to_change(configured: Emulator, app: App) -> None:
    app.visitor = Document()
    with pytest.raises(ConfigurationError):
        ConfigureWidget()
    session = GoogleAuthWidget().auth_manager._session
    with pytest.raises(tokentoss.TokenTossError, match="not for visitors"):
        session.configure({"client_id": "other", "client_secret": "other"})
    assert configured.client["client_id"] in configured.client_file.read_text()


def test_a_visitors_session_is_not_pickled(configured: Emulator, app: App) -> None:
    """Another process would find the profile's in its place."""
    client = IAPClient(base_url=configured.iap)
    assert pickle.loads(pickle.dumps(client)).base_url == client.base_url
    app.visitor = Document()
    manager = AuthManager()
    for thing in (manager, client, IAPClient(base_url=configured.iap, auth_manager=manager)):
        with pytest.raises(TypeError, match="visitor"):
            pickle.dumps(thing)


def test_the_servers_terminal_is_no_visitors(configured: Emulator, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(isatty=lambda: True))
    app.visitor = Document()
    with pytest.raises(InteractionRequiredError):
        tokentoss.sign_in()


@pytest.mark.parametrize("told", ["0", "1"])
def test_a_program_can_be_told(configured: Emulator, app: App, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    login()
    monkeypatch.setenv("TOKENTOSS_VISITORS", told)
    assert GoogleAuthWidget().is_authenticated == (told == "0")
    app.visitor = Document()
    assert GoogleAuthWidget().is_authenticated == (told == "0")
