"""The log of the package. No secret is written to it, at any level."""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger("tokentoss")
logger.addHandler(logging.NullHandler())

_NAME = "_tokentoss_stream"


def enable_debug(level: int = logging.DEBUG) -> None:
    """Writes the log to standard output, which a notebook shows as usual text. No secret is in it, at any level.

    Parameters
    ----------
    level
        Of the logging module: what is less important is left out. Another call changes it.
    """
    logger.setLevel(level)
    for handler in logger.handlers:
        if handler.name == _NAME:
            handler.setLevel(level)
            return
    handler = logging.StreamHandler(sys.stdout)
    handler.name = _NAME
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter("[%(name)s %(levelname)s] %(message)s"))
    logger.addHandler(handler)


def disable_debug() -> None:
    """Undoes enable_debug()."""
    logger.setLevel(logging.WARNING)
    for handler in [h for h in logger.handlers if h.name == _NAME]:
        logger.removeHandler(handler)
