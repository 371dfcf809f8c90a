"""The command line: ``python -m tokentoss status`` is ``tokentoss status``, of the executable of this package."""

from __future__ import annotations

import os
import subprocess
import sys

from ._executable import find
from .exceptions import TokenTossError


def main() -> int:
    """Runs the executable in the place of this process; on Windows, which cannot, as its child."""
    try:
        command = [find(), *sys.argv[1:]]
    except TokenTossError as e:
        print(f"tokentoss: error: {e}", file=sys.stderr)  # noqa: T201
        return 1
    if sys.platform != "win32":
        os.execv(command[0], command)  # noqa: S606
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
