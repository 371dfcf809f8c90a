"""The emulator as tests of other people start it: from Python, and as fixtures of pytest."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import requests

from tokentoss.testing import Emulator, EmulatorError

DOCS = Path(__file__).parents[4] / "docs" / "emulator.md"


def run_pytest(directory: Path, code: str, *arguments: str) -> str:
    """Runs the tests in a module of their own, and returns what pytest says."""
    (directory / "test_module.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments, "test_module.py"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return f"{done.returncode}\n{done.stdout}\n{done.stderr}"


def is_up(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=30).close()
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False
    return True


def wait_until_down(url: str) -> None:
    deadline = time.monotonic() + 60
    while is_up(url):
        assert time.monotonic() < deadline, "the emulator is still there"
        time.sleep(0.05)


def test_operations_are_methods() -> None:
    with Emulator(accounts=["ada@example.com"]) as emulator:
        assert requests.post(emulator.iap).status_code == 401
        assert requests.get(emulator.iap + "/whoami", headers=emulator.headers()).json()["email"] == "ada@example.com"
        emulator.set_fault(endpoint="iap", fault={"status": 503, "header": {"Retry-After": "1"}, "times": 1})
        assert requests.get(emulator.iap).status_code == 503
        assert emulator.calls(endpoint="iap") == 3
        emulator.reset()
        assert emulator.calls(endpoint="iap") == 0
    wait_until_down(emulator.iap)
    emulator.close()


def test_tls() -> None:
    with Emulator(tls_names=["wiki.iap.test"]) as emulator:
        assert emulator.iap.startswith("https://")
        assert requests.post(emulator.iap, verify=emulator.ca).status_code == 401
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(emulator.iap)


def test_errors_are_told() -> None:
    with pytest.raises(EmulatorError, match="not an http, https or h2c URL"):
        Emulator(upstream="localhost:8080")
    with Emulator() as emulator:
        with pytest.raises(EmulatorError, match=r"explode: .*set_fault"):
            emulator.explode()
        with pytest.raises(EmulatorError, match='calls: "tokens" is not an endpoint'):
            emulator.calls(endpoint="tokens")
        with pytest.raises(EmulatorError, match="no account"):
            emulator.headers("nobody@example.com")
        assert not hasattr(emulator, "_repr_html_")


def test_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Emulator() as emulator:
        assert emulator.accounts()[0]["email"] == "user@example.com"


def test_the_emulator_does_not_outlive_who_started_it() -> None:
    code = "import time\nfrom tokentoss.testing import Emulator\nprint(Emulator().iap, flush=True)\ntime.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert is_up(url)
        process.kill()
    wait_until_down(url)


def test_the_example_of_the_docs_passes(tmp_path: Path) -> None:
    if not DOCS.exists():
        pytest.skip("the docs are not here")
    found = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert len(found) == 1
    assert "2 passed" in run_pytest(tmp_path, found[0])


def test_the_fixture_begins_anew_in_each_test(tmp_path: Path) -> None:
    code = """
def test_one(iap_emulator):
    iap_emulator.add_account(account={"email": "eve@example.com"})
    assert len(iap_emulator.accounts()) == 2

def test_two(iap_emulator):
    assert len(iap_emulator.accounts()) == 1
"""
    assert "2 passed" in run_pytest(tmp_path, code)


@pytest.mark.parametrize("warnings", ["-Wdefault", "-Werror"])
def test_who_does_not_use_it_pays_nothing(tmp_path: Path, warnings: str) -> None:
    """pytest loads the plugin in every run where tokentoss is installed."""
    code = """
import sys

def test_nothing():
    assert "tokentoss" not in sys.modules and "requests" not in sys.modules
    assert "tokentoss_pytest" in sys.modules
"""
    said = run_pytest(tmp_path, code, warnings)
    assert "1 passed" in said and "warning" not in said, said
