"""Says why a service cannot be reached, by the executable's own examination."""

from __future__ import annotations

import subprocess
import sys

from ._executable import find
from .exceptions import for_notebook

__all__ = ["doctor"]


def doctor(url: str | None = None, *, timeout: float = 120.0) -> bool:
    """Examines the configuration and the session, prints what it finds and what to do, and tells whether all is well.

    Parameters
    ----------
    url
        A service behind IAP that is examined, too.
    timeout
        Seconds that it may take.

    Returns
    -------
    bool
        Whether nothing was found.

    Raises
    ------
    ExecutableNotFoundError
        The tokentoss executable is not installed.
    subprocess.TimeoutExpired
        It took too long.
    """
    command = [find(), "doctor", *([url] if url else [])]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
    )
    sys.stdout.write(for_notebook(done.stdout + done.stderr))
    return done.returncode == 0
