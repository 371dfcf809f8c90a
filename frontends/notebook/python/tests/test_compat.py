"""Every public name of tokentoss 0.1.1 is here, with its signature.

The old one is in the directory $TOKENTOSS_OLD, with what it needs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

# What the old one says of itself: for each module its public names, and of these the parameters or members.
DESCRIBE = """
import importlib, inspect, json, sys

OLD = sys.argv[1] == "old"  # of which a name counts where it was defined, and not where it was imported
MODULES = ["", ".auth_manager", ".client", ".configure_widget", ".exceptions", ".setup", ".storage", ".widget"]

def parameters(function):
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    simple = (str, int, float, bool, type(None))
    return [
        [
            p.name,
            str(p.kind),
            "none" if p.default is p.empty else repr(p.default) if isinstance(p.default, simple) else "some",
        ]
        for p in found
    ]

def describe(value):
    if inspect.isclass(value):
        own = [c for c in value.__mro__ if c.__module__.split(".")[0] == "tokentoss"]
        names = {n for c in own for n in vars(c) if not n.startswith("_")}
        return {
            "kind": "class",
            "init": parameters(value),
            "bases": [c.__name__ for c in value.__mro__ if c is not value],
            "members": {n: describe(inspect.getattr_static(value, n)) for n in names},
        }
    if isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    if inspect.isfunction(value):
        return {"kind": "function", "init": parameters(value)}
    return {"kind": "value"}

result = {}
for name in MODULES:
    module = importlib.import_module("tokentoss" + name)
    names = set(vars(module)) | set(getattr(module, "__all__", []))
    if not name:
        names |= {"GoogleAuthWidget", "ConfigureWidget", "IAPClient"}
    result[name] = {
        n: describe(getattr(module, n))
        for n in names
        if not n.startswith("_") and not inspect.ismodule(getattr(module, n))
        and (not OLD or not name or getattr(getattr(module, n), "__module__", module.__name__) == module.__name__)
        and n not in ("TYPE_CHECKING", "annotations", "importlib", "Any")
    }
print(json.dumps(result))
"""

# What is gone with the flow that was in Python. These were between the widgets and their views, and put the state, the
# code and the client secret into saved notebooks.
GONE = {
    ".widget": {"CALLBACK_SUCCESS_HTML", "CALLBACK_ERROR_HTML", "CallbackHandler", "CallbackServer", "logger"},
    ".setup": {"APP_NAME", "GOOGLE_AUTH_URI", "GOOGLE_TOKEN_URI", "GOOGLE_CERT_URL", "DEFAULT_REDIRECT_URIS"},
    ".storage": {"APP_NAME"},
    ".auth_manager": set(),
}
GONE_MEMBERS = {
    "GoogleAuthWidget": {"auth_url", "auth_code", "received_state", "state", "show_manual_input"},
    "ConfigureWidget": {"client_id", "client_secret", "project_id"},
}


def describe(path: str) -> dict[str, dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": path} if path else dict(os.environ)
    done = subprocess.run(
        [sys.executable, "-c", DESCRIBE, "old" if path else "new"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    described: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return described


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    old = os.environ.get("TOKENTOSS_OLD")
    if not old:
        pytest.skip("TOKENTOSS_OLD names no directory with tokentoss 0.1.1 in it")
    return describe(old), describe("")


def compare(what: str, old: dict[str, Any], new: dict[str, Any] | None) -> list[str]:
    """Returns what callers of the old one would miss."""
    if new is None:
        return [f"{what}: not there"]
    missed = []
    if old["kind"] != "value" and new["kind"] != old["kind"]:
        missed.append(f"{what}: a {new['kind']}, no {old['kind']}")
    before, now = old.get("init"), new.get("init")
    if before is not None and now is not None:
        for i, parameter in enumerate(before):
            same = i < len(now) and now[i][:2] == parameter[:2] and (now[i][2] == "none") == (parameter[2] == "none")
            if not same or (parameter[2] not in ("none", "some") and now[i][2] != parameter[2]):
                missed.append(f"{what}: parameter {parameter}, now {now[i : i + 1]}")
        missed += [
            f"{what}: new parameter {p} has no default"
            for p in now[len(before) :]
            if p[2] == "none" and "VAR" not in p[1]
        ]
    missed += [f"{what}: no {b} any more" for b in old.get("bases", []) if b not in new.get("bases", [])]
    for name, member in old.get("members", {}).items():
        if name not in GONE_MEMBERS.get(what.rpartition(".")[2], ()):
            missed += compare(f"{what}.{name}", member, new["members"].get(name))
    return missed


def test_every_name_of_the_old_one(both: tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]) -> None:
    old, new = both
    missed = []
    names = 0
    for module, described in old.items():
        for name, what in described.items():
            if name in GONE.get(module, ()):
                assert name not in new[module], f"{name} is there again"
                continue
            names += 1
            missed += compare(f"tokentoss{module}.{name}", what, new[module].get(name))
    assert not missed, "\n".join(missed)
    assert names > 40, "the old one was read"
