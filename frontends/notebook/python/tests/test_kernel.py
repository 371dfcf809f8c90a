"""The package in a notebook's kernel: the quick start, cell by cell, with a front end that a test plays."""

from __future__ import annotations

import json
import os
import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import EMAIL, MARKED, Answer, Emulator, Service, consent
from test_signin import ends_on

manager = pytest.importorskip("jupyter_client.manager")

Message = dict[str, Any]
Make = Callable[[Answer], Service]


class Notebook:
    """A kernel, all that it would have saved in a notebook, and the views of its widgets."""

    def __init__(self) -> None:
        self.manager, self.client = manager.start_new_kernel(env=dict(os.environ))
        self.saved: list[Message] = []
        self.views: list[str] = []
        self.input: Callable[[Message], str] | None = None

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def start(self, cell: str, **options: Any) -> str:
        request: str = self.client.execute(cell, **{"allow_stdin": True, **options})
        return request

    def run(self, cell: str, seen: Callable[[Message], None] = lambda _: None, **options: Any) -> list[Message]:
        """Runs a cell to its end, and returns its outputs. seen is called with each message for a view."""
        return self.finish(self.start(cell, **options), seen)

    def finish(self, request: str, seen: Callable[[Message], None] = lambda _: None) -> list[Message]:
        outputs: list[Message] = []
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.input is not None:
                try:
                    asked = self.client.get_stdin_msg(timeout=0)
                    assert asked["content"]["password"] is True
                    self.client.input(self.input(asked["content"]))
                except queue.Empty:
                    pass
            try:
                message = self.client.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                continue
            kind, content = message["msg_type"], message["content"]
            ours = message["parent_header"].get("msg_id") == request
            if kind == "status" and ours and content["execution_state"] == "idle":
                return outputs
            if kind == "comm_open":
                self._open(content)
            elif kind == "comm_msg":
                if content["data"]["method"] == "update":
                    self.saved.append(content["data"]["state"])
                else:
                    seen(content["data"]["content"])
            elif kind in ("stream", "error", "display_data", "execute_result", "update_display_data"):
                outputs.append({"kind": kind, **content})
                self.saved.append(content)
        raise AssertionError(f"the cell does not end: {outputs}")

    def _open(self, content: Message) -> None:
        state = content["data"]["state"]
        self.saved.append({k: v for k, v in state.items() if k not in ("_esm", "_css")})
        if "_tt_id" in state:
            self.views.append(content["comm_id"])

    def link(self) -> str:
        """Waits for a link on the screen, and returns where it leads."""
        while True:
            text = self.client.get_iopub_msg(timeout=30)["content"].get("data", {}).get("text/html", "")
            if "href=" in text:
                return str(text.split('href="')[1].split('"')[0].replace("&amp;", "&"))

    def say(self, view: str, **content: Any) -> None:
        """Sends a message of a view, which the kernel takes when it is idle."""
        data = {"method": "custom", "content": {"v": 1, **content}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": view, "data": data}))


@pytest.fixture
def notebook(home: Path) -> Iterator[Notebook]:
    n = Notebook()
    yield n
    n.close()


def errors(outputs: list[Message]) -> list[str]:
    return ["\n".join(o["traceback"]) for o in outputs if o["kind"] == "error"]


class Person:
    """Who sits before the notebook, and signs in when there is an address for it."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    def __call__(self, message: Message) -> None:
        if message["type"] == "armed" and message["auth_url"] not in self.addresses:
            self.addresses.append(message["auth_url"])
            consent(message["auth_url"])


def test_quick_start(notebook: Notebook, emulator: Emulator, home: Path) -> None:
    """The cells of the documentation, and nothing secret in what is saved of them."""
    (home / "config.toml").write_text(f'[profiles.default]\nissuer = "{emulator.google}"\n')
    (home / "config.toml").chmod(0o600)
    assert not errors(notebook.run("from tokentoss import ConfigureWidget; display(ConfigureWidget())"))
    client = emulator.client
    notebook.say(
        notebook.views[0], type="configure", client_id=client["client_id"], client_secret=client["client_secret"]
    )
    person = Person()
    assert not errors(
        notebook.run("from tokentoss import GoogleAuthWidget; widget = GoogleAuthWidget(); display(widget)", person)
    )
    assert not errors(notebook.run("widget.wait(30)", person))  # the person takes a moment
    assert person.addresses
    outputs = notebook.run(
        f'from tokentoss import IAPClient; client = IAPClient(base_url="{emulator.iap}")\n'
        'data = client.get_json("/whoami"); response = client.post("/echo", json={"name": "test"})\n'
        "print(sorted(data), response.status_code)"
    )
    assert outputs[0]["text"] == "['email', 'method', 'path', 'sub'] 200\n"
    notebook.run("widget")
    notebook.run("[client, widget.auth_manager, widget.credentials, widget.auth_manager.token_data]")
    notebook.run("widget.auth_manager.id_token")
    notebook.run("%xmode Verbose")
    failed = notebook.run('client.get("https://elsewhere.example.com")')
    assert "OriginError" in errors(failed)[0]
    failed = notebook.run("c = IAPClient(base_url='http://127.0.0.1:9'); c.get('/')")
    assert "ConnectionError" in errors(failed)[0]

    record = json.loads((home / "tokens.json").read_text())
    secrets = [record[n] for n in ("access_token", "id_token", "refresh_token")]
    secrets += [EMAIL, client["client_id"], client["client_secret"], *person.addresses]
    secrets += [p.split("=")[1] for a in person.addresses for p in a.split("&") if p.startswith(("state", "nonce"))]
    text = json.dumps(notebook.saved)
    assert [text[max(0, text.index(s) - 300) : text.index(s) + 50] for s in secrets if s in text] == []


def test_sign_in_while_the_kernel_is_busy(notebook: Notebook, configured: Emulator) -> None:
    person = Person()
    cell = (
        "from tokentoss import *; widget = GoogleAuthWidget(); display(widget); print(widget.wait(30).is_authenticated)"
    )
    outputs = notebook.run(cell, person)
    assert not errors(outputs) and outputs[-1]["text"] == "True\n"


def test_interrupt_of_a_wait(notebook: Notebook, configured: Emulator) -> None:
    """It ends the cell, and neither the widget nor the executable."""
    interrupted: list[bool] = []

    def interrupt(message: Message) -> None:
        if message["type"] == "armed" and not interrupted:
            interrupted.append(True)
            notebook.manager.interrupt_kernel()

    cell = "from tokentoss import GoogleAuthWidget; widget = GoogleAuthWidget(); display(widget); widget.wait()"
    assert "KeyboardInterrupt" in errors(notebook.run(cell, interrupt))[0]
    outputs = notebook.run("print(widget.wait(30).is_authenticated)", Person())
    assert outputs[-1]["text"] == "True\n"


def test_refusal_does_not_save_who_it_is(notebook: Notebook, signed_in: Emulator, service: Make) -> None:
    here = service(lambda _: (403, MARKED, b""))
    cell = f"from tokentoss import IAPClient; IAPClient(base_url={here.url!r}).get_json('/')"
    traceback = errors(notebook.run(cell))[0]
    assert "the signed-in account has no access" in traceback and EMAIL not in traceback


def test_link_and_masked_prompt(notebook: Notebook, configured: Emulator) -> None:
    addresses: list[str] = []

    def paste(asked: Message) -> str:
        link = next(s["data"]["text/html"] for s in reversed(notebook.saved) if "text/html" in s.get("data", {}))
        url = link.split('href="')[1].split('"')[0].replace("&amp;", "&")
        addresses.append(ends_on(url))
        return addresses[0]

    notebook.input = paste
    outputs = notebook.run("import tokentoss; print(tokentoss.sign_in(paste=True).is_authenticated)")
    assert not errors(outputs) and addresses
    assert outputs[-1]["text"] == "True\n"
    # The link was on the screen, and what is there in the end has none.
    last = [o for o in outputs if o["kind"] == "update_display_data"][-1]
    shown = next(o for o in outputs if o["kind"] == "display_data")
    assert last["transient"]["display_id"] == shown["transient"]["display_id"]
    assert last["data"] == {"text/plain": "Signed in."}


def test_browser_comes_back_while_the_prompt_is_open(notebook: Notebook, configured: Emulator) -> None:
    request = notebook.start("import tokentoss; print(tokentoss.sign_in(paste=True).is_authenticated)")
    asked = notebook.client.get_stdin_msg(timeout=30)
    assert asked["content"]["password"] is True
    consent(notebook.link())
    outputs = notebook.finish(request)
    assert not errors(outputs) and outputs[-1]["text"] == "True\n"
    assert "Press Enter in the box" in outputs[-2]["data"]["text/plain"]
    assert notebook.run("print(1 + 1)")[0]["text"] == "2\n", "no interrupt is left over"


def test_link_without_a_prompt(notebook: Notebook, configured: Emulator) -> None:
    """A field that nobody answers would hold up the cells to come."""
    request = notebook.start("import tokentoss; print(tokentoss.sign_in().is_authenticated)")
    consent(notebook.link())
    outputs = notebook.finish(request)
    assert not errors(outputs) and outputs[-1]["text"] == "True\n"
    assert outputs[-2]["data"] == {"text/plain": "Signed in."}
    assert notebook.client.stdin_channel.msg_ready() is False

    notebook.run("tokentoss.sign_out()")
    request = notebook.start("tokentoss.sign_in()")
    notebook.link()
    notebook.manager.interrupt_kernel()
    outputs = notebook.finish(request)
    assert "KeyboardInterrupt" in errors(outputs)[0]
    assert {"text/plain": "Not signed in."} in [o.get("data") for o in outputs]


@pytest.mark.parametrize(
    "cell",
    [
        "tokentoss.sign_in()",
        "w = tokentoss.GoogleAuthWidget(); display(w); w.wait()",
    ],
)
def test_no_person(notebook: Notebook, configured: Emulator, cell: str) -> None:
    """As under nbconvert, whose front end takes no input."""
    outputs = notebook.run("import tokentoss; " + cell, allow_stdin=False)
    assert (
        "InteractionRequiredError" in errors(outputs)[0]
        and "tokentoss.sign_in()" in errors(outputs)[0].split("hint")[-1]
    )
    text = json.dumps(notebook.saved)
    assert "state=" not in text


def test_killed_kernel_leaves_no_process(notebook: Notebook, configured: Emulator) -> None:
    from test_session import _gone

    outputs = notebook.run(
        "import tokentoss; w = tokentoss.GoogleAuthWidget(); display(w)\n"
        "from tokentoss import _rpc; print(_rpc.server()._process.pid)",
    )
    server = int(outputs[-1]["text"])
    interrupted: list[bool] = []

    def interrupt(message: Message) -> None:  # once the part of the executable that views speak with is up
        if message["type"] == "armed" and not interrupted:
            interrupted.append(True)
            notebook.manager.interrupt_kernel()

    notebook.run("w.wait()", interrupt)
    assert interrupted
    children = Path(f"/proc/{server}/task/{server}/children")
    plugins = [int(p) for p in children.read_text().split()] if children.exists() else []
    notebook.manager.shutdown_kernel(now=True)
    assert all(_gone(pid) for pid in (server, *plugins))


def test_restarted_kernel(notebook: Notebook, configured: Emulator) -> None:
    from test_session import _gone

    cell = "import tokentoss; display(tokentoss.GoogleAuthWidget()); from tokentoss import _rpc; "
    server = int(notebook.run(cell + "print(_rpc.server()._process.pid)")[-1]["text"])
    notebook.manager.restart_kernel()
    notebook.client.wait_for_ready(timeout=60)
    assert _gone(server)
    person = Person()
    cell = "import tokentoss; w = tokentoss.GoogleAuthWidget(); display(w); print(w.wait(30).is_authenticated)"
    assert notebook.run(cell, person)[-1]["text"] == "True\n"
