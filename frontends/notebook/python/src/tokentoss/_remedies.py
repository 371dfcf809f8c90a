"""What to do next about an error, in Python's words: calls and settings, where the shell has commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from .exceptions import NoCredentialsError, NotConfiguredError, for_notebook

# By the action that an error advises: what is said without a subject, with one, and with a value, too.
_SENTENCES: dict[str, tuple[str, ...]] = {
    "sign_in": (str(NoCredentialsError.hint),),
    "forget": ("give up the session that is kept here: tokentoss.sign_out(local=True), and sign in again",),
    "configure": (str(NotConfiguredError.hint),),
    "unlock": (
        "unlock the store where a person can be asked: python -m tokentoss status, in a terminal",
        "unlock {subject} where a person can be asked: python -m tokentoss status, in a terminal",
    ),
    "make_writable": (
        "make the place writable, or choose another: AuthManager(storage=FileStorage(path))",
        "make {subject} writable, or choose another place: AuthManager(storage=FileStorage(path))",
    ),
    "make_private": (
        "make the file private: os.chmod(path, 0o600)",
        "make it private, so that only you can read and write it: os.chmod({subject!r}, 0o600)",
    ),
    "free_space": ("free some space on the disk", "free some space on the disk of {subject}"),
    "move_away": ("move it away, or choose another place", "move {subject} away, or choose another place"),
    "restore": ("restore it from a backup", "restore {subject} from a backup"),
    "set_variable": (
        "correct os.environ",
        "set os.environ[{subject!r}]",
        "os.environ[{subject!r}] = {value!r}",
    ),
    "correct_setting": (
        "correct the settings in config.toml",
        "correct the setting {subject} in config.toml",
        "set {subject} to {value} in config.toml",
    ),
    "correct_file": ("correct the file", "correct {subject}"),
    "ask": ("ask an administrator", "ask {subject}", "ask {subject} {value}"),
    "install": ("install what is missing", "install {subject}"),
    "update": ("update tokentoss: pip install --upgrade tokentoss", "update {subject}"),
    "retry": ("call it again in a moment",),
    "check_network": ("check the network connection", "check the network connection to {subject}"),
    "set_clock": ("set the clock of this machine",),
    "add_profile": (
        "name a profile that exists: os.environ['TOKENTOSS_PROFILE'] = name",
        "name a profile that exists, os.environ['TOKENTOSS_PROFILE'] = name, or add {subject} to config.toml",
    ),
    "list_profiles": ("name a profile that exists: os.environ['TOKENTOSS_PROFILE'] = name",),
    "list_stores": ("name a store that exists: os.environ['TOKENTOSS_STORE'] = name",),
    "list_plugins": ("python -m tokentoss plugin list, in a terminal, tells which there are",),
    "install_plugin": (
        "install the plugin: python -m tokentoss plugin install, in a terminal",
        "install the plugin: python -m tokentoss plugin install {subject}, in a terminal",
    ),
    "describe_plugin": (
        "correct the settings of the plugin in config.toml",
        "correct the settings of the plugin {subject} in config.toml",
    ),
    "show_log": ("tokentoss.enable_debug() shows what it says",),
    "trust_provider": ("if you trust another provider, set issuer in config.toml to its URL",),
    "allow_loopback": ("for an emulator on this machine: os.environ['TOKENTOSS_INSECURE_LOOPBACK'] = '1'",),
    "did_you_mean": ("check the name", "did you mean {subject!r}?"),
    "run": ("run the command that repairs it", "run {subject}"),
    "diagnose": ("tokentoss.doctor() tells what is wrong",),
}


def hint_of(data: Mapping[str, Any]) -> str | None:
    """Returns the hint for the data of an error that the executable answered, None where there is none.

    Where the error's author has words of their own, no action is named, and these are the hint.
    """
    hint = _say(data) or data.get("hint")
    return for_notebook(str(hint)) if hint else None


def _say(data: Mapping[str, Any]) -> str | None:
    forms = _SENTENCES.get(str(data.get("action")))
    if forms is None:
        return None
    subject, value = str(data.get("subject") or ""), data.get("value") or ""
    if data.get("action") == "run" and subject.startswith("chmod 600 "):
        return f"os.chmod({shlex.split(subject)[2]!r}, 0o600)"
    wanted = 2 if subject and value else 1 if subject else 0
    return forms[min(wanted, len(forms) - 1)].format(subject=subject, value=value)
