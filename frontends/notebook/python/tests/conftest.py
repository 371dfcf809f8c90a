"""A real executable and a real emulator for the tests, and services that answer as IAP might."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import tokentoss
from tokentoss import _executable

EMAIL = "planted.person@example.com"


class Emulator:
    """A Google and an IAP in a process of their own."""

    def __init__(
        self, directory: Path, lifetime: str, email: str = EMAIL, upstream: str = "", tls: bool = False
    ) -> None:
        command = [_executable.find(), "emulator", "--auto-consent", email, "--token-lifetime", lifetime]
        command += ["--client-secrets", str(directory / "client_secrets.json")]
        command += ["--upstream", upstream] if upstream else []
        command += ["--tls"] if tls else []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.google: str = ready["google"]
        self.iap: str = ready["iap"]
        self.ca: str = ready.get("ca", "")
        self.client_file = Path(ready["client_secrets"])
        self.client = json.loads(self.client_file.read_text())["installed"]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    e = Emulator(tmp_path_factory.mktemp("emulator"), "1h")
    yield e
    e.close()


@pytest.fixture
def short_lived(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator whose tokens live for eight seconds."""
    (tmp_path / "emulator").mkdir()
    e = Emulator(tmp_path / "emulator", "8s")
    yield e
    e.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokentoss_reset: None) -> Path:
    """A configuration directory for one test, with a package that knows of nobody."""
    for name in [n for n in os.environ if n.startswith("TOKENTOSS_") and n != "TOKENTOSS_EXECUTABLE"]:
        monkeypatch.delenv(name)
    directory = tmp_path / "config"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv("TOKENTOSS_CONFIG_DIR", str(directory))
    monkeypatch.setenv("TOKENTOSS_INSECURE_LOOPBACK", "1")
    return directory


@pytest.fixture
def configured(home: Path, emulator: Emulator) -> Emulator:
    """The emulator, and a profile that has its client."""
    tokentoss.configure(path=emulator.client_file)
    return emulator


@pytest.fixture
def signed_in(configured: Emulator) -> Emulator:
    """The emulator, and somebody who is signed in with it, as from the shell."""
    login()
    return configured


def login(*arguments: str, executable: str | None = None, ca: str = "") -> None:
    """Signs in by the command line; curl is the browser."""
    browser = f"curl -sL{f' --cacert {ca}' if ca else ''} -o /dev/null"
    command = [executable or _executable.find(), "login", "--browser", browser, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def consent(url: str) -> int:
    """Opens an address as a browser would; the emulator's Google asks nothing."""
    with urllib.request.urlopen(url) as answer:
        return int(answer.status)


Answer = Callable[["Request"], tuple[int, dict[str, str], bytes]]


class Request:
    """A request that a Service got."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.method = handler.command
        self.path = handler.path
        self.headers = handler.headers
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if handler.headers.get("Transfer-Encoding") == "chunked":
            while size := int(handler.rfile.readline(), 16):
                self.body += handler.rfile.read(size)
                handler.rfile.readline()
            handler.rfile.readline()

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


class Service:
    """A server on loopback whose answers a test gives, and which remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                request = Request(self)
                service.requests.append(request)
                status, headers, body = service.answer(request)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that gave up

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Callable[[Answer], Service]]:
    """Makes Services."""
    made: list[Service] = []

    def make(answer: Answer) -> Service:
        made.append(Service(answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


MARKED = {"X-Goog-IAP-Generated-Response": "true"}


def ok(_: Request) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, b'{"ok": true}'


def stale(_: Request) -> tuple[int, dict[str, str], bytes]:
    return 401, MARKED, b"Invalid IAP credentials: Expired JWT"
