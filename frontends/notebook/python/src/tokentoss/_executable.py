"""Finds the executable that came with this package, and no other one."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from .exceptions import ExecutableNotFoundError

NAME = "tokentoss.exe" if sys.platform == "win32" else "tokentoss"

# Where the package lies: site-packages, a directory of pip's --target, or a checkout's src.
# Links are not followed: some installers link each file to one in a cache.
PARENT = Path(__file__).absolute().parent.parent


def find(named: str | None = None) -> str:
    """Returns the executable's path: named, $TOKENTOSS_EXECUTABLE, or the one that was installed with this package.

    PATH is not searched: whoever can put a program there would be handed the sessions, and its version is anybody's.
    """
    if sys.platform == "emscripten":
        raise ExecutableNotFoundError(
            "tokentoss is a program, and Python in a browser (Pyodide) cannot start programs",
            hint="use a notebook whose kernel runs on a machine",
        )
    named = os.environ.get("TOKENTOSS_EXECUTABLE") if named is None else named
    if named:
        if not os.path.isabs(named):
            raise ExecutableNotFoundError(
                f"TOKENTOSS_EXECUTABLE is {named!r}, which is not an absolute path",
                hint="give the whole path, or unset it",
            )
        if not os.access(named, os.X_OK) or os.path.isdir(named):
            raise ExecutableNotFoundError(
                f"TOKENTOSS_EXECUTABLE is {named!r}, which cannot be run", hint="correct it, or unset it"
            )
        return named
    looked = []
    for directory in _directories():
        path = os.path.join(directory, NAME)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
        if os.path.isfile(path):
            raise ExecutableNotFoundError(
                f"{path} is there, and must not be run",
                hint=f"os.chmod({path!r}, 0o755); where the disk is read-only or runs nothing, install it elsewhere",
            )
        if str(directory) not in looked:
            looked.append(str(directory))
    raise ExecutableNotFoundError(
        f"the tokentoss executable is not installed beside this package; looked in {', '.join(looked)}",
        hint="pip install --force-reinstall tokentoss; or set TOKENTOSS_EXECUTABLE to the path of one",
    )


def _directories() -> Iterator[str | Path]:
    """Gives the directories where an installer puts the scripts of this copy of the package, the likeliest first."""
    # In an environment, virtual or conda's, or with --user: the scheme whose libraries are where this package is.
    # Preferred schemes of a distribution (posix_local) are among the names.
    for scheme in (sysconfig.get_default_scheme(), *sysconfig.get_scheme_names()):
        try:
            paths = sysconfig.get_paths(scheme)
        except KeyError:  # a scheme whose variables this Python has not
            continue
        if any(_same(paths[kind], PARENT) for kind in ("purelib", "platlib")):
            yield paths["scripts"]
    # pip install --target puts them into a directory beside the package, --prefix two above the libraries.
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    yield PARENT / scripts
    if PARENT.name in ("site-packages", "dist-packages"):
        yield PARENT.parent / scripts if sys.platform == "win32" else PARENT.parent.parent.parent / scripts
    # An editable install leaves the package in its checkout, and puts the scripts into the environment.
    if (PARENT.parent / "pyproject.toml").is_file():
        yield sysconfig.get_path("scripts")
        yield PARENT.parents[3] / "bin"


def _same(a: str | Path, b: str | Path) -> bool:
    return os.path.normcase(os.path.realpath(a)) == os.path.normcase(os.path.realpath(b))
