"""Sessions: tokens for many threads, forks, and ends of either process."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import EMAIL, Emulator, login

import tokentoss
from tokentoss import _rpc
from tokentoss._secret import Token
from tokentoss._session import KEPT, open_session


def test_a_thousand_calls_at_expiry_are_one_refresh(
    short_lived: Emulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokentoss.configure(path=short_lived.client_file)
    login()
    session = open_session()
    first = session.token()
    assert first.expiry is not None
    time.sleep(max(0.0, first.expiry.timestamp() + 1 - time.time()))  # it is given in whole seconds
    asked: list[str] = []
    call = _rpc.Server.call
    monkeypatch.setattr(_rpc.Server, "call", lambda self, *args: asked.append(args[0]) or call(self, *args))
    got: list[Token] = []
    gate = threading.Barrier(100)

    def ask() -> None:
        gate.wait()
        for _ in range(10):
            got.append(session.token())

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    values = {t.value for t in got}
    assert len(got) == 1000 and first.value not in values
    # A machine that takes longer than a token lives gets another one; each costs one refresh.
    assert len(asked) == len(values) or len(values) > 1
    assert max(t.generation for t in got) - first.generation == len(values)
    assert json.loads((home / "tokens.json").read_text())["generation"] - first.generation == len(values)


def test_a_warm_token_costs_no_call(signed_in: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    session = open_session()
    token = session.token()
    monkeypatch.setattr(_rpc.Server, "call", lambda *_: pytest.fail("the executable was asked"))
    assert session.token() is token


def test_renewals_of_one_token_are_one(signed_in: Emulator) -> None:
    session = open_session()
    stale = session.token()
    fresh: list[str] = []
    threads = [threading.Thread(target=lambda: fresh.append(stale.renew().value)) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(fresh)) == 1 and stale.value not in fresh


def test_fork(signed_in: Emulator) -> None:
    """A child has an executable of its own, and leaves the parent's alone."""
    session = open_session()
    client = tokentoss.IAPClient(base_url=signed_in.iap)
    assert client.get("/whoami").ok  # on a connection that is kept
    parent = _rpc.server()
    with session._fetching, session._opening, _rpc._lock:  # as another thread might have, at that moment
        pid = os.fork()
        if pid == 0:
            try:
                ok = session.status()["email"] == EMAIL and session.token().value.startswith("ey")
                ok = ok and all(client.get_json("/whoami")["email"] == EMAIL for _ in range(20))
                other = _rpc.server()._process.pid != parent._process.pid
                _rpc.stop()
                os._exit(0 if ok and other else 1)
            finally:
                os._exit(2)
    assert all(client.get_json("/whoami")["email"] == EMAIL for _ in range(20))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert session.status()["email"] == EMAIL and _rpc.server() is parent


def test_killed_rpc_is_replaced(signed_in: Emulator) -> None:
    session = open_session()
    session.token()
    first = _rpc.server()
    first._process.kill()
    assert session.status()["email"] == EMAIL
    assert _rpc.server() is not first and first._process.returncode is not None
    _rpc.server()._process.kill()
    assert tokentoss.IAPClient(base_url=signed_in.iap).get_json("/whoami")["email"] == EMAIL


CHILD = """
import sys, threading
import tokentoss
from tokentoss import _rpc
from tokentoss._secret import Token
from tokentoss._session import open_session
open_session().token()
print(_rpc.server()._process.pid, flush=True)
{then}
"""


def _child(then: str) -> tuple[subprocess.Popen[str], int]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(then=then)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    return child, int(child.stdout.readline())


def _gone(pid: int, patience: float = 20.0) -> bool:
    """Waits for the end of a process that is not this one's child."""
    fd = None
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        import select

        return bool(select.select([fd], [], [], patience)[0])
    finally:
        os.close(fd)


needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no pidfd to wait with")


@needs_pidfd
def test_killed_interpreter_leaves_no_process(signed_in: Emulator) -> None:
    child, server = _child("sys.stdin.read()")
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert _gone(server)


@needs_pidfd
def test_killed_interpreter_leaves_no_rpc_though_a_fork_lives(signed_in: Emulator) -> None:
    child, server = _child(
        "import os\npid = os.fork()\nif pid == 0: sys.stdin.read(); os._exit(0)\n"
        "print(pid, flush=True); sys.stdin.read()"
    )
    assert child.stdout is not None and child.stdin is not None
    grandchild = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert _gone(server)
    child.communicate()  # whose end of input ends the grandchild
    assert _gone(grandchild)


@needs_pidfd
@pytest.mark.parametrize("then", ["", "raise SystemExit(0)", "threading.Thread(target=open_session().status).start()"])
def test_usual_end_leaves_no_process(signed_in: Emulator, then: str) -> None:
    child, server = _child(then)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0 and errors == ""
    assert _gone(server)


def test_many_sessions(home: Path, emulator: Emulator, tmp_path: Path) -> None:
    """An executable takes 64; this package has it forget those that were not used lately."""
    sessions = [tokentoss.FileStorage(tmp_path / f"{i}.json")._open() for i in range(2 * KEPT + 6)]
    for session in (*sessions, *sessions[:3]):
        assert session.status()["state"] == "not_configured"


def test_environment_is_followed(signed_in: Emulator, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tokentoss.get_config_path().parent == home
    other = home.parent / "other"
    other.mkdir(mode=0o700)
    monkeypatch.setenv("TOKENTOSS_CONFIG_DIR", str(other))
    assert tokentoss.get_config_path().parent == other
    assert open_session().status()["state"] == "not_configured"


def test_shell_and_python_share_the_session(configured: Emulator) -> None:
    manager = tokentoss.AuthManager()
    assert not manager.is_authenticated and manager.user_email is None
    login()
    assert manager.is_authenticated and manager.user_email == EMAIL
    tokentoss.sign_out()
    from tokentoss import _executable

    done = subprocess.run([_executable.find(), "status", "--json"], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["state"] == "signed_out"


# Other processes.

PROGRAM = """
import gevent.monkey
gevent.monkey.patch_all({patched})
import gevent, requests, sys, time
import tokentoss
url = sys.argv[1]
turns = 0
def count():
    global turns
    while True:
        turns += 1
        gevent.sleep(0)
counting = gevent.spawn(count)
client = tokentoss.IAPClient(base_url=url)
calls = [gevent.spawn(client.get_json, "/whoami") for _ in range(20)]
calls.append(gevent.spawn(lambda: requests.get(url + "/whoami", auth=tokentoss.IAPAuth(url), timeout=30).json()))
gevent.joinall(calls, raise_error=True)
counting.kill()
print({{call.value["email"] for call in calls}}, turns > 10)
"""


@pytest.mark.parametrize("patched", ["", "thread=False"])
def test_gevent(signed_in: Emulator, patched: str) -> None:
    """Pipes that gevent made so do not block; greenlets go on meanwhile."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(patched=patched), signed_in.iap],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == f"{ {EMAIL} } True\n", done.stderr


def test_pipes_that_do_not_block(signed_in: Emulator) -> None:
    """None of them does: one that is full is waited for."""
    server = _rpc.server()
    assert server._process.stdin is not None and not os.get_blocking(server._process.stdin.fileno())
    replies = [server._send("session.open", {"profile": "x" * 200_000}) for _ in range(20)]
    for reply in replies:
        with pytest.raises(_rpc.RPCError):
            reply.wait(30)
    assert open_session().status()["email"] == EMAIL


@pytest.mark.parametrize("state", ["warm", "cold"])
def test_pickle(signed_in: Emulator, tmp_path: Path, state: str) -> None:
    """Settings are pickled, no token is, and who gets them works with the session that it finds."""
    if state == "warm":
        tokentoss.IAPClient(base_url=signed_in.iap).get_json("/whoami")
    path = tmp_path / "own.json"
    path.write_bytes((tokentoss.FileStorage().path).read_bytes())
    path.chmod(0o600)
    managers = [None, tokentoss.AuthManager(), tokentoss.AuthManager(storage=tokentoss.FileStorage(path))]
    secrets = [v for v in json.loads(path.read_text()).values() if isinstance(v, str) and len(v) > 30]
    assert len(secrets) >= 3
    for manager in managers:
        client = tokentoss.IAPClient(signed_in.iap, manager, 12, origins=["https://more.example.com"])
        client.get_json("/whoami")
        things = [
            client,
            tokentoss.IAPAuth(signed_in.iap, auth_manager=manager),
            tokentoss.HttpxIAPAuth(signed_in.iap, auth_manager=manager),
            tokentoss.IAPTransport(signed_in.iap, auth_manager=manager),
            tokentoss.AiohttpIAPMiddleware(signed_in.iap, auth_manager=manager),
            tokentoss.AsyncIAPClient(signed_in.iap, manager),
        ]
        data = pickle.dumps(things)
        assert not [s for s in secrets if s.encode() in data]
        again = pickle.loads(data)
        assert [repr(a) for a in again] == [repr(t) for t in things]
        assert again[0].timeout == 12 and again[0]._origins == client._origins
        assert again[0].get_json("/whoami")["email"] == EMAIL
    with pytest.raises(TypeError, match="MemoryStorage"):
        pickle.dumps(tokentoss.AuthManager(storage=tokentoss.MemoryStorage()))


def test_module_as_a_command(signed_in: Emulator) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tokentoss", "status", "--json"], capture_output=True, text=True, check=False
    )
    assert json.loads(done.stdout)["email"] == EMAIL and done.returncode == 0
    done = subprocess.run([sys.executable, "-m", "tokentoss", "nothing"], capture_output=True, check=False)
    assert done.returncode == 2


def test_doctor(signed_in: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(tokentoss.doctor(signed_in.iap), bool)
    assert signed_in.iap in capsys.readouterr().out
