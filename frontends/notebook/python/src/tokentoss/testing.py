"""For tests of programs that use this package, and of services behind IAP."""

from __future__ import annotations

from . import _current, _rpc, _session, _visitors
from ._emulator import Emulator, EmulatorError

__all__ = ["Emulator", "EmulatorError", "reset"]


def reset() -> None:
    """Brings the package back to where it was when it was imported: nothing runs, and nobody is signed in here.

    Clients and AuthManagers that there are may be used afterwards; they begin anew. What is kept in a store stays.
    """
    _rpc.stop()
    _session.reset()
    _current.reset()
    _visitors.reset()
