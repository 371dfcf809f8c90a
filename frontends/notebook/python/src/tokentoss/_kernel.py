"""Where this program runs: in a notebook's kernel or a terminal, and with a person or without."""

from __future__ import annotations

import os
import sys
from typing import Any

from . import _visitors
from .exceptions import in_kernel

__all__ = ["SIGN_IN_ELSEWHERE", "has_person", "in_kernel", "kernel"]

SIGN_IN_ELSEWHERE = "sign in once where a person can: tokentoss.sign_in() in a terminal's Python, on this machine"


def kernel() -> Any | None:
    """Returns IPython's kernel, where this runs in one."""
    if not in_kernel():
        return None
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None)


def has_person() -> bool:
    """Tells whether there is somebody to ask: not under nbconvert, in a pipe, or by TOKENTOSS_NON_INTERACTIVE."""
    if kernel() is None and _visitors.here() is not None:
        return False  # whose terminal this is, is no visitor
    if kernel() is not None or os.environ.get("TOKENTOSS_NON_INTERACTIVE") == "1":
        return has_viewer()
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # it is closed
        return False


def has_viewer() -> bool:
    """Tells whether somebody may look at what is displayed. A front end that takes no input has nobody before it."""
    if os.environ.get("TOKENTOSS_NON_INTERACTIVE") == "1":
        return False
    here = kernel()
    return here is None or bool(here._allow_stdin)
