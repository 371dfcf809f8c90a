"""sign_in() and sign_out(), in a terminal of its own."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import EMAIL, Emulator, consent

import tokentoss
from tokentoss import InteractionRequiredError

fcntl = pytest.importorskip("fcntl")
pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")

PROGRAM = """
import tokentoss
try:
    print("RESULT", tokentoss.sign_in({arguments}).user_email)
except BaseException as e:
    print("RESULT", type(e).__name__, e)
"""


def in_terminal() -> None:
    """Makes a new process one as a person starts it: the terminal is its own, and ^C is not ignored."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A Python program in a terminal."""

    def __init__(self, arguments: str = "") -> None:
        self._fd, inside = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(arguments=arguments)],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=in_terminal,
        )
        os.close(inside)
        self.screen = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Reads until the screen shows something."""
        end = time.monotonic() + 30
        while not (found := re.search(pattern, self.screen)):
            assert select.select([self._fd], [], [], max(0.0, end - time.monotonic()))[0], self.screen
            try:
                self.screen += os.read(self._fd, 65536).decode()
            except OSError:  # it has ended
                assert re.search(pattern, self.screen), self.screen
        return found

    def url(self) -> str:
        url = self.until(r"(http://\S+)\s")[1]
        self.until("paste the whole address")
        return url

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def result(self) -> str:
        self.until(r"RESULT [^\n]*\n")
        while True:  # what comes after it
            try:
                more = os.read(self._fd, 65536).decode()
            except OSError:
                more = ""
            if not more:
                break
            self.screen += more
        self.process.wait()
        return self.screen.split("RESULT ")[1].strip()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._fd)


@pytest.fixture
def terminal() -> Iterator[Any]:
    with contextlib.ExitStack() as stack:

        def make(arguments: str = "") -> Terminal:
            t = Terminal(arguments)
            stack.callback(t.close)
            return t

        yield make


def ends_on(url: str) -> str:
    """Returns the address that the browser would end on."""

    class Stop(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.build_opener(Stop).open(url)
    location: str = answer.value.headers["Location"]
    answer.value.close()
    return location


def test_browser_comes_back(configured: Emulator, terminal: Any) -> None:
    t = terminal()
    consent(t.url())
    assert t.result() == EMAIL


def test_paste(configured: Emulator, terminal: Any) -> None:
    t = terminal()
    address = ends_on(t.url())
    t.type("http://127.0.0.1/?code=planted&state=planted\n")
    t.until("was not taken")
    t.until("(?s)paste the whole address.*paste the whole address")
    t.type(address + "\n")
    assert t.result() == EMAIL
    for secret in ("code=planted", address.split("code=")[1].split("&")[0]):
        assert secret not in t.screen, "what is pasted is not shown"


def test_interrupt_cancels(configured: Emulator, terminal: Any) -> None:
    t = terminal()
    url = t.url()
    t.type("\x03")
    assert t.result().startswith("KeyboardInterrupt")
    with pytest.raises(OSError):  # noqa: PT011 - nobody listens any more
        consent(url)


def test_nobody_comes(configured: Emulator, terminal: Any) -> None:
    t = terminal("timeout=0.5")
    t.url()
    assert t.result().startswith("SignInTimeoutError")


def test_no_client(home: Any, terminal: Any) -> None:
    assert terminal().result().startswith("NotConfiguredError")


def test_signed_in_already(signed_in: Emulator) -> None:
    manager = tokentoss.sign_in()
    assert manager.user_email == EMAIL and tokentoss.CREDENTIALS is not None
    tokentoss.sign_out(manager)
    assert not manager.is_authenticated and tokentoss.CREDENTIALS is None


def test_a_session_of_its_own(configured: Emulator, terminal: Any) -> None:
    t = terminal("tokentoss.AuthManager(storage=tokentoss.MemoryStorage())")
    consent(t.url())
    assert t.result() == EMAIL
    assert not tokentoss.AuthManager().is_authenticated


def test_no_person(configured: Emulator) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(arguments="")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith("RESULT InteractionRequiredError") and "http" not in done.stdout + done.stderr


def test_asked_not_to_ask(configured: Emulator, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENTOSS_NON_INTERACTIVE", "1")
    assert terminal().result().startswith("InteractionRequiredError")
    with pytest.raises(InteractionRequiredError):
        tokentoss.sign_in()


def test_sign_out_where_the_provider_is_down(short_lived: Emulator, home: Any) -> None:
    from conftest import login

    tokentoss.configure(path=short_lived.client_file)
    login()
    short_lived.process.terminate()
    short_lived.process.wait()
    with pytest.raises(tokentoss.NotRevokedError) as caught:
        tokentoss.sign_out()
    assert caught.value.hint
    assert not (home / "tokens.json").exists()
    tokentoss.sign_out(local=True)
