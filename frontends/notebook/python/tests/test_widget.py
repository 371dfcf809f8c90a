"""The widgets, with a front end that a test plays."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import comm
import pytest
from conftest import EMAIL, Emulator, consent, login

import tokentoss
from tokentoss import ConfigureWidget, GoogleAuthWidget, InteractionRequiredError, SignInError, _rpc
from tokentoss.exceptions import SignInTimeoutError


class FrontEnd(comm.base_comm.BaseComm):
    """A comm that collects what a widget sends, and lets a test wait for it."""

    made: list[FrontEnd]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.changed = threading.Condition()
        self.messages: list[dict[str, Any]] = []
        self.opened: dict[str, Any] = {}
        super().__init__(*args, **kwargs)
        FrontEnd.made.append(self)

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_: Any) -> None:
        with self.changed:
            if msg_type == "comm_open":
                self.opened = data
            elif data.get("method") == "custom":
                self.messages.append(data["content"])
            self.changed.notify_all()

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Waits for a message, and takes it and those before it."""
        with self.changed:
            assert self.changed.wait_for(lambda: any(map(wanted, self.messages)), 10), self.messages
            while not wanted(message := self.messages.pop(0)):
                pass
            return message

    def phase(self, phase: str) -> dict[str, Any]:
        return self.until(lambda m: m["type"] == "snapshot" and m["phase"] == phase)

    def armed(self) -> dict[str, Any]:
        return self.until(lambda m: m["type"] == "armed")

    def say(self, **content: Any) -> None:
        """Sends a message of the view."""
        message = {"content": {"data": {"method": "custom", "content": {"v": 1, **content}}}, "buffers": []}
        self.handle_msg(message)


@pytest.fixture(autouse=True)
def front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    FrontEnd.made = []
    monkeypatch.setattr(comm, "create_comm", FrontEnd)


def show(widget: Any) -> FrontEnd:
    """Displays a widget, and returns its front end."""
    assert "application/vnd.jupyter.widget-view+json" in widget._repr_mimebundle_()[0]
    return next(f for f in FrontEnd.made if f.comm_id == widget.model_id)


# What a view has is what a notebook may save.
SYNCED = {"_anywidget_id", "_css", "_esm", "_tt_id"}


def saved(widget: Any) -> str:
    """Returns all that a notebook saves of a widget."""
    own = set(widget.get_state()) - {n for n in widget.get_state() if n.startswith(("_model", "_view", "_dom"))}
    assert own - {"layout", "tabbable", "tooltip"} == SYNCED
    state = {k: v for k, v in widget.get_state().items() if k not in ("_esm", "_css")}
    opened = next(f for f in FrontEnd.made if f.comm_id == widget.model_id).opened
    return json.dumps([state, repr(widget), str(widget._repr_mimebundle_()), opened["state"]["_tt_id"]])


def test_sign_in_call_and_sign_out(configured: Emulator) -> None:
    widget = GoogleAuthWidget()
    assert widget.credentials is None and not widget.is_authenticated
    seen: list[bool] = []
    widget.observe(lambda change: seen.append(change["new"]), names=["is_authenticated"])
    view = show(widget)
    armed = view.armed()
    consent(armed["auth_url"])
    signed_in = view.phase("signed_in")
    assert signed_in["account"] == EMAIL
    assert widget.wait(30) is widget.auth_manager
    assert tokentoss.IAPClient(base_url=configured.iap).get_json("/whoami")["email"] == EMAIL
    credentials = widget.credentials
    assert credentials is not None and credentials.valid and tokentoss.CREDENTIALS is not None
    assert (widget.user_email, widget.status, widget.error) == (EMAIL, "Signed in", "")
    assert seen == [True]
    text = saved(widget)
    record = json.loads(tokentoss.FileStorage().path.read_text())
    secrets = [EMAIL, armed["auth_url"], *(record[n] for n in ("access_token", "id_token", "refresh_token"))]
    secrets += [
        part.split("=")[1] for part in armed["auth_url"].split("?")[1].split("&") if part.startswith(("state", "code"))
    ]
    assert len(secrets) == 8 and not [s for s in secrets if s in text]

    widget.sign_out()
    view.phase("signed_out")
    assert widget.credentials is None and tokentoss.CREDENTIALS is None and not widget.is_authenticated
    view.say(type="arm", seq=0)
    consent(view.armed()["auth_url"])
    view.phase("signed_in")
    view.say(type="sign_out")
    view.phase("signed_out")
    with pytest.raises(tokentoss.NoCredentialsError):
        tokentoss.IAPClient(base_url=configured.iap).get("/whoami")


def test_paste(configured: Emulator) -> None:
    """The address that the browser ended on, where it does not reach this machine."""
    import urllib.error
    import urllib.request

    view = show(GoogleAuthWidget())
    armed = view.armed()

    class Stop(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.build_opener(Stop).open(armed["auth_url"])
    ended = answer.value.headers["Location"]
    answer.value.close()
    view.say(type="opened", attempt=armed["attempt"])
    view.say(type="redirect", attempt=armed["attempt"], url=ended.replace("state=", "state=x"))
    wrong = view.until(lambda m: m["type"] == "snapshot" and bool(m.get("error")))
    assert wrong["error"]["code"] == "bad_answer"
    view.say(type="redirect", attempt=armed["attempt"], url=ended)
    view.phase("signed_in")


def test_wait_in_the_same_cell(configured: Emulator) -> None:
    widget = GoogleAuthWidget()
    view = show(widget)
    threading.Thread(target=lambda: consent(view.armed()["auth_url"])).start()
    assert widget.wait(30).user_email == EMAIL


def test_wait_ends(configured: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = GoogleAuthWidget()
    show(widget)
    with pytest.raises(SignInTimeoutError) as caught:
        widget.wait(0.2)
    assert isinstance(caught.value, TimeoutError) and caught.value.hint
    monkeypatch.setenv("TOKENTOSS_NON_INTERACTIVE", "1")
    with pytest.raises(InteractionRequiredError):
        widget.wait()


def test_wait_says_what_is_in_the_way(configured: Emulator, home: Path) -> None:
    """A sign-in that cannot begin, as where the port that is set is taken."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = home / "config.toml"
        config.write_text(f"[profiles.default]\nredirect_port = {port}\n")
        config.chmod(0o600)
        _rpc.stop()
        widget = GoogleAuthWidget()
        show(widget)
        with pytest.raises(SignInError, match=str(port)) as caught:
            widget.wait(30)
        assert caught.value.hint


def test_two_widgets_are_in_step(configured: Emulator) -> None:
    one, two = GoogleAuthWidget(), GoogleAuthWidget()
    views = [show(one), show(two)]
    armed = [view.armed() for view in views]
    assert armed[0]["attempt"] == armed[1]["attempt"]
    assert one._tt_id != two._tt_id
    consent(armed[0]["auth_url"])
    for view in views:
        assert view.phase("signed_in")["account"] == EMAIL
    two.close()
    one.sign_out()
    views[0].phase("signed_out")
    assert not [m for m in views[1].messages if m.get("phase") == "signed_out"]


def test_signed_in_elsewhere(configured: Emulator) -> None:
    widget = GoogleAuthWidget()
    view = show(widget)
    view.armed()
    login()
    assert view.phase("signed_in")["account"] == EMAIL
    assert GoogleAuthWidget().is_authenticated


def test_page_reload(signed_in: Emulator) -> None:
    view = show(GoogleAuthWidget())
    view.phase("signed_in")
    view.messages.clear()
    view.say(type="hello")
    assert view.phase("signed_in")["account"] == EMAIL


def test_killed_rpc_in_the_middle(configured: Emulator) -> None:
    """The view hears of it, and gets an address that works."""
    widget = GoogleAuthWidget()
    view = show(widget)
    view.armed()
    _rpc.server()._process.kill()
    assert view.until(lambda m: m["type"] == "fatal")["code"] == "lost"
    consent(view.armed()["auth_url"])
    view.phase("signed_in")
    assert widget.wait(30)


def test_messages_that_nobody_understands(configured: Emulator) -> None:
    view = show(GoogleAuthWidget())
    view.armed()
    for content in ({"v": 9}, {}, {"type": "planted"}):
        view.say(**content)
    view.handle_msg({"content": {"data": {"method": "custom", "content": "text"}}, "buffers": []})
    view.say(type="hello")
    view.armed()


def test_configure(home: Path, emulator: Emulator) -> None:
    (home / "config.toml").write_text(f'[profiles.default]\nissuer = "{emulator.google}"\n')
    (home / "config.toml").chmod(0o600)
    widget = ConfigureWidget()
    view = show(widget)
    assert view.until(lambda m: m["type"] == "show")["face"] == "configure"
    view.phase("unconfigured")
    view.say(type="configure", client_id="", client_secret="planted")
    assert view.until(lambda m: m["type"] == "snapshot" and bool(m.get("error")))["error"]["code"] == "bad_client"
    assert widget.status.startswith("Error") and not widget.configured
    client = emulator.client
    view.say(type="configure", client_id=client["client_id"], client_secret=client["client_secret"], project_id="p")
    view.phase("signed_out")
    assert widget.configured and widget.status == "Configured!"
    assert tokentoss.get_config_path().stat().st_mode & 0o777 == 0o600
    text = saved(widget)
    assert client["client_secret"] not in text and client["client_id"] not in text
    other = show(GoogleAuthWidget())
    consent(other.armed()["auth_url"])
    other.phase("signed_in")
    view.phase("signed_in")
    again = show(ConfigureWidget())
    assert again.until(lambda m: m["type"] == "show")["face"] == "configure", "though there is a client"


def test_sign_in_widget_without_a_client(home: Path) -> None:
    view = show(GoogleAuthWidget())
    view.phase("unconfigured")


def test_given_parts(emulator: Emulator, tmp_path: Path) -> None:
    storage = tokentoss.FileStorage(tmp_path / "own.json")
    widget = GoogleAuthWidget(
        client_secrets_path=str(emulator.client_file), storage=storage, max_session_lifetime_hours=12
    )
    view = show(widget)
    consent(view.armed()["auth_url"])
    assert view.phase("signed_in")["ends"]
    assert storage.exists() and widget.auth_manager.storage is storage
    other = GoogleAuthWidget(auth_manager=widget.auth_manager)
    assert other.is_authenticated and other.auth_manager is widget.auth_manager


def test_without_anywidget(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tokentoss.widget", "tokentoss.configure_widget"):
        monkeypatch.delitem(sys.modules, name)
    for name in ("GoogleAuthWidget", "ConfigureWidget"):
        vars(tokentoss).pop(name, None)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    for name in ("GoogleAuthWidget", "ConfigureWidget"):
        with pytest.raises(ImportError, match="anywidget") as caught:
            getattr(tokentoss, name)
        assert isinstance(caught.value, tokentoss.WidgetUnavailableError)
        assert "pip install anywidget" in str(caught.value) and "sign_in()" in str(caught.value)
