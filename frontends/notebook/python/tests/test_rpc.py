"""Executables that are missing, of another version, or broken; and nothing secret on the way."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Emulator

import tokentoss
from tokentoss import (
    ExecutableEndedError,
    ExecutableError,
    ExecutableNotFoundError,
    ExecutableVersionError,
    _executable,
    _rpc,
)
from tokentoss._session import open_session

Fake = Callable[[str], None]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Makes a Python program the executable."""

    def make(program: str) -> None:
        path = tmp_path / "tokentoss"
        path.write_text(f"#!{sys.executable} -u\nimport json, sys, time\n{program}\n")
        path.chmod(0o700)
        monkeypatch.setenv("TOKENTOSS_EXECUTABLE", str(path))

    return make


HELLO = """
def answer(result=None, **more):
    more = {"result": result} if result else more
    print(json.dumps({"jsonrpc": "2.0", "id": json.loads(sys.stdin.readline())["id"], **more}), flush=True)
answer({"protocol": "tokentoss.rpc/1", "version": "9", "config_dir": "/nowhere", "remote_hint": False})
"""


def test_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOKENTOSS_EXECUTABLE", str(tmp_path / "nothing"))
    tokentoss.IAPClient(base_url="https://app.example.com")  # says nothing until it is used
    with pytest.raises(ExecutableNotFoundError, match="cannot be run") as caught:
        tokentoss.AuthManager()
    assert caught.value.hint
    monkeypatch.setenv("TOKENTOSS_EXECUTABLE", "tokentoss")
    with pytest.raises(ExecutableNotFoundError, match="not an absolute path"):
        _executable.find()


def test_path_is_not_searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "site" / "tokentoss").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / _executable.NAME).write_bytes(b"#!/bin/sh\n")
    (tmp_path / "bin" / _executable.NAME).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("TOKENTOSS_EXECUTABLE", raising=False)
    monkeypatch.setattr(_executable, "PARENT", tmp_path / "site")
    with pytest.raises(ExecutableNotFoundError, match="pip install"):
        _executable.find()
    target = tmp_path / "site" / "bin"  # of pip install --target
    target.mkdir()
    (tmp_path / "bin" / _executable.NAME).rename(target / _executable.NAME)
    assert _executable.find() == str(target / _executable.NAME)


def test_no_program(fake: Fake, tmp_path: Path) -> None:
    fake("")
    (tmp_path / "tokentoss").write_bytes(b"\x7fELF of another machine")
    with pytest.raises(ExecutableError, match="cannot be run"):
        open_session().status()


@pytest.mark.parametrize(
    ("program", "error", "text"),
    [
        ("sys.exit('flag provided but not defined: -stdio')", ExecutableVersionError, "flag provided but not defined"),
        ("print('Usage: tokentoss'); time.sleep(3600)", ExecutableVersionError, "not of the protocol"),
        ("print('[1]'); time.sleep(3600)", ExecutableVersionError, "not of the protocol"),
        ("print('x' * 2000000); time.sleep(3600)", ExecutableVersionError, "longer than 1 MiB"),
        (HELLO.replace("rpc/1", "rpc/2"), ExecutableVersionError, "rpc/2"),
        (HELLO + "sys.exit('panic')", ExecutableEndedError, "panic"),
        (HELLO + "print('garbage', flush=True); time.sleep(3600)", ExecutableEndedError, "not of the protocol"),
    ],
)
def test_another_version_or_broken(fake: Fake, program: str, error: type[ExecutableError], text: str) -> None:
    fake(program)
    with pytest.raises(error, match=text) as caught:
        open_session().status()
    assert caught.value.hint
    (server,) = _rpc._servers.values()
    assert server.ended and server._process.returncode is not None, "though it does not end by itself"


def test_version_that_the_rpc_refuses(fake: Fake) -> None:
    error = {"code": -32000, "message": "it is too old", "data": {"reason": "version_mismatch", "hint": "do this"}}
    fake(HELLO.split("answer({")[0] + f"answer(error={error!r}); sys.stdin.read()")
    with pytest.raises(ExecutableVersionError, match="too old") as caught:
        open_session().status()
    assert caught.value.hint == "do this"


def test_no_answer(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rpc, "START_TIMEOUT", 0.3)
    fake("sys.stdin.read()")
    with pytest.raises(ExecutableError, match="did not answer"):
        open_session().status()


def test_answers_in_any_order_and_notifications(fake: Fake) -> None:
    fake(
        HELLO
        + """
first, second = json.loads(sys.stdin.readline()), json.loads(sys.stdin.readline())
print(json.dumps({"jsonrpc": "2.0", "method": "of.a.newer.executable", "params": {}}))
print(json.dumps({"jsonrpc": "2.0", "id": "unknown", "result": 1}))
for request in (second, first):
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": request["method"]}), flush=True)
sys.stdin.read()
"""
    )
    server = _rpc.server()
    server.ready()
    replies = [server._send(method, {}) for method in ("one", "two")]
    assert [r.wait(20) for r in replies] == ["one", "two"]


def test_messages_are_not_longer_than_the_rpc_takes(home: Path) -> None:
    server = _rpc.server()
    with pytest.raises(ExecutableError, match="longer"):
        server.notify("session.message", {"x": "y" * (1 << 20)})
    assert server.call("session.open", {})["session"]


def test_log_and_errors_have_no_secret(
    signed_in: Emulator, caplog: pytest.LogCaptureFixture, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the log at its most talkative, nor what the executable got to see of its start."""
    caplog.set_level(logging.DEBUG)
    manager = tokentoss.AuthManager(client_secrets_path=signed_in.client_file)
    token = manager.id_token
    assert token
    client = tokentoss.IAPClient(base_url=signed_in.iap, auth_manager=manager)
    client.get_json("/whoami")
    record = (home / "tokens.json").read_text()
    import json

    secrets = [token, json.loads(record)["refresh_token"], signed_in.client["client_secret"]]
    process = _rpc.server()._process.pid
    if os.path.exists("/proc"):
        seen = Path(f"/proc/{process}/cmdline").read_text() + Path(f"/proc/{process}/environ").read_text()
    else:
        seen = ""
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in seen
        assert secret not in repr(
            [manager, client, manager.token_data, manager.client_config, token, tokentoss.CREDENTIALS]
        )


def test_debug_log(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    tokentoss.enable_debug()
    tokentoss.enable_debug()
    open_session().status()
    assert capsys.readouterr().out.count("-> session.open") == 1
    tokentoss.disable_debug()
    open_session().status()
    assert capsys.readouterr().out == ""
