"""A session that another machine lends to this one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import requests
from conftest import EMAIL, Emulator

import tokentoss
from tokentoss import _executable
from tokentoss.testing import reset

Lend = Callable[..., None]


@pytest.fixture
def lend(signed_in: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lend]:
    """Lends the session to a machine that has none of its own, and goes there."""
    far = Path(tempfile.mkdtemp(prefix="far"))  # short: the path of a socket has 108 bytes
    running: list[subprocess.Popen[str]] = []

    def start(target: str, *options: str) -> None:
        command = [
            _executable.find(),
            "forward",
            "--dir",
            str(far / ".cache/tokentoss/forward"),
            "--for",
            target,
            *options,
        ]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "has the session of" in said, said
        monkeypatch.setenv("HOME", str(far))
        monkeypatch.setenv("TOKENTOSS_CONFIG_DIR", str(far / "config"))
        reset()

    yield start
    reset()
    for process in running:
        process.terminate()
        process.communicate()
    shutil.rmtree(far)


def test_a_lent_session_is_for_its_targets_alone(signed_in: Emulator, lend: Lend) -> None:
    lend(signed_in.iap)
    assert EMAIL in tokentoss.IAPClient(signed_in.iap).get("/whoami").text
    other = "https://other.example.com"
    with pytest.raises(tokentoss.OriginError, match="is lent for") as refused:
        tokentoss.IAPClient(other).get("/")
    assert "lend it for https://other.example.com, too, on" in str(refused.value.hint)
    with pytest.raises(tokentoss.OriginError, match="is lent for"):
        requests.get(other, auth=tokentoss.IAPAuth(other), timeout=30)
    with (
        httpx.Client(transport=tokentoss.IAPTransport(other)) as client,
        pytest.raises(tokentoss.OriginError, match="is lent for"),
    ):
        client.get(other)


def test_a_session_that_makes_requests_gives_no_token(signed_in: Emulator, lend: Lend) -> None:
    target = "https://service.example.com"
    lend(target, "--requests")
    with pytest.raises(tokentoss.TokenTossError, match="no token leaves it"):
        tokentoss.IAPClient(target).get("/whoami")
