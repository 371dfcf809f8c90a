"""Adds to the package what lies elsewhere: the widget, which the Go programs embed too, and the executables.

TOKENTOSS_WHEEL_BIN is the directory of the executables, bin of the repository by default; TOKENTOSS_WHEEL_PLATFORM is
the platform they are for, as wheels name it, this one by default.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WIDGET = ("widget.js", "widget.css")
EXECUTABLES = ("tokentoss", "tokentoss-host")

# The executables are static: they run with any C library, and need what Go needs of the system.
PLATFORMS = {
    ("linux", "x86_64"): "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    ("linux", "aarch64"): "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    ("darwin", "x86_64"): "macosx_12_0_x86_64",
    ("darwin", "arm64"): "macosx_12_0_arm64",
    ("win32", "AMD64"): "win_amd64",
    ("win32", "ARM64"): "win_arm64",
}


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Is called by hatchling for each build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Names the files to add."""
        root = Path(self.root)
        outside = root.parents[1] / "signin" / "widget"
        widget = outside if outside.is_dir() else root / "widget"  # within an sdist
        if self.target_name == "sdist":
            build_data["force_include"] |= {str(widget / name): f"widget/{name}" for name in WIDGET}
            return
        if version != "editable":  # which reads the widget from where it lies
            build_data["force_include"] |= {str(widget / name): f"tokentoss/{name}" for name in WIDGET}
        self._add_executables(version, build_data)

    def _add_executables(self, version: str, build_data: dict[str, Any]) -> None:
        wanted = os.environ.get("TOKENTOSS_WHEEL_PLATFORM") or PLATFORMS.get((sys.platform, platform.machine()))
        if wanted is None:
            raise RuntimeError(f"there is no wheel for {sys.platform} on {platform.machine()}")
        directory = Path(os.environ.get("TOKENTOSS_WHEEL_BIN") or Path(self.root).parents[2] / "bin")
        names = [name + (".exe" if wanted.startswith("win") else "") for name in EXECUTABLES]
        missing = [name for name in names if not (directory / name).is_file()]
        if missing and version == "editable":
            return
        if missing:
            raise RuntimeError(
                f"{' and '.join(missing)} not found in {directory}: run make wheel in a checkout of "
                "https://github.com/tokentoss/tokentoss, or install a wheel for your platform"
            )
        build_data["shared_scripts"] |= {str(directory / name): name for name in names}
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{wanted}"
