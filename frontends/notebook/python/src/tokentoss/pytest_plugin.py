"""Fixtures for pytest, which finds them where this package is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def tokentoss_reset() -> Iterator[None]:
    """The package as it is when it is imported, before and after a test: nobody is signed in in this process."""
    from .testing import reset

    reset()
    yield
    reset()
