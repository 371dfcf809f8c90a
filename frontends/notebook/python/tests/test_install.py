"""What is in the wheel, where its executables are found, and what an import costs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import EMAIL, Emulator

import tokentoss

FIND = "from tokentoss import _executable; print(_executable.find())"


@pytest.fixture(scope="module")
def wheel() -> Path:
    path = os.environ.get("TOKENTOSS_WHEEL")
    if not path:
        pytest.skip("TOKENTOSS_WHEEL names no wheel")
    return Path(path)


def python(*arguments: str, executable: str = sys.executable, **environment: str) -> str:
    done = subprocess.run(
        [executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        metadata = next(archive.read(n).decode() for n in entries if n.endswith("/METADATA"))
        tags = next(archive.read(n).decode() for n in entries if n.endswith("/WHEEL"))
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra" not in line]
    assert sorted(line.split()[1].split(">")[0] for line in required) == ["anywidget", "requests", "urllib3"]
    assert "Tag: py3-none-" in tags and "Root-Is-Purelib: false" in tags
    for name in ("py.typed", "widget.js", "widget.css"):
        assert f"tokentoss/{name}" in entries
    scripts = {
        name.rpartition("/")[2]: e.external_attr >> 16 & 0o777 for name, e in entries.items() if "/scripts/" in name
    }
    assert scripts == {"tokentoss": 0o755, "tokentoss-host": 0o755}


def install(wheel: Path, *options: str, executable: str = sys.executable) -> None:
    arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    python(*arguments, *options, str(wheel), executable=executable)


def test_target(wheel: Path, tmp_path: Path) -> None:
    install(wheel, "--target", str(tmp_path / "libs"))
    found = python("-c", FIND, PYTHONPATH=str(tmp_path / "libs"))
    assert found == str(tmp_path / "libs" / "bin" / "tokentoss")
    assert python("-c", FIND, PYTHONPATH="") != found


def test_prefix(wheel: Path, tmp_path: Path) -> None:
    install(wheel, "--prefix", str(tmp_path / "prefix"), "--ignore-installed")
    libs = next((tmp_path / "prefix").glob("lib*/python*/site-packages"))
    assert python("-c", FIND, PYTHONPATH=str(libs)) == str(tmp_path / "prefix" / "bin" / "tokentoss")


def test_user(wheel: Path, tmp_path: Path) -> None:
    """As an interpreter outside of a virtual environment has it."""
    base = os.path.join(sys.base_prefix, "bin", "python3")
    if not os.access(base, os.X_OK):
        pytest.skip(f"{base} is not there")
    home = {"PYTHONUSERBASE": str(tmp_path / "user")}
    options = ["--user", "--ignore-installed", "--break-system-packages"]
    arguments = [
        "-m",
        "pip",
        "--python",
        base,
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-index",
    ]
    python(*arguments, *options, str(wheel), **home)
    assert python("-c", FIND, executable=base, **home) == str(tmp_path / "user" / "bin" / "tokentoss")


def test_executable_knows_its_version(wheel: Path) -> None:
    import tokentoss

    found = python("-c", FIND)
    shown = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    assert shown.split()[-1] == f"v{tokentoss.__version__}"


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && ! touch "$0/x" 2>/dev/null && exec "$@"'


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root mounts")
def test_read_only(wheel: Path, tmp_path: Path) -> None:
    """Installed where nobody may write, as in an image or on a shared disk."""
    libs = str(tmp_path / "libs")
    install(wheel, "--target", libs)
    code = "import tokentoss; print(tokentoss.configure('x.apps.googleusercontent.com', 'GOCSPX-x'))"
    home = tmp_path / "home"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOKENTOSS_")}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", READ_ONLY, libs, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": libs, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": ""},
        check=False,
    )
    if "not permitted" in done.stderr:
        pytest.skip("nothing can be mounted here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(home))
    (tmp_path / "libs" / "bin" / "tokentoss").chmod(0o444)
    code = "from tokentoss import _executable as x\ntry: x.find()\nexcept x.ExecutableNotFoundError as e: print(e)"
    if os.access(tmp_path / "libs" / "bin" / "tokentoss", os.X_OK):
        pytest.skip("this user may run anything")
    assert "must not be run" in python("-c", code, PYTHONPATH=libs, TOKENTOSS_EXECUTABLE="")


def test_pyodide_is_told_that_a_browser_starts_no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "emscripten")
    with pytest.raises(tokentoss.TokenTossError, match="cannot start programs") as e:
        tokentoss.sign_out()
    assert "pip" not in str(e.value.hint)


def test_on_path(wheel: Path, signed_in: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell finds the commands of an environment that is active."""
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    done = subprocess.run(["tokentoss", "status"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and EMAIL in done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import tokentoss",
        "from tokentoss import IAPClient, AuthManager, FileStorage, TokenTossError, configure, sign_in; IAPClient",
        "from tokentoss import IAPClient; IAPClient(base_url='https://app.example.com')",
        "import tokentoss; tokentoss.CREDENTIALS; dir(tokentoss)",
    ],
)
def test_imports_are_light(statement: str) -> None:
    heavy = ["anywidget", "ipywidgets", "httpx", "google.auth", "requests", "IPython", "asyncio"]
    code = f"{statement}\nimport sys\nprint([m for m in {heavy!r} if m in sys.modules])"
    assert python("-c", code) == "[]"


def test_all_names() -> None:
    code = "import tokentoss\nfrom tokentoss import *\nassert set(tokentoss.__all__) <= set(dir()) | {'CREDENTIALS'}\n"
    code += "tokentoss.AsyncIAPClient, tokentoss.HttpxIAPAuth\n"
    code += "try: tokentoss.nothing\nexcept AttributeError as e: print(e)"
    assert "nothing" in python("-c", code)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("AsyncIAPClient", "httpx httpx2"),
        ("IAPTransport", "httpx httpx2"),
        ("HttpxIAPAuth", "httpx httpx2"),
        ("AiohttpIAPMiddleware", "aiohttp"),
        ("google.Credentials", "google.auth"),
    ],
)
def test_extras_say_how_to_install_them(name: str, missing: str) -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({missing!r}.split())); import tokentoss\n"
    code += f"try:\n  import tokentoss.google\n  tokentoss.{name}\nexcept ImportError as e: print(e)"
    assert "pip install 'tokentoss[" in python("-c", code)
