"""Fixtures for pytest, which finds them where tokentoss is installed.

They are in a package of their own because pytest imports it in every run: tokentoss itself is imported for the tests
that ask for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tokentoss.testing import Emulator


@pytest.fixture
def tokentoss_reset() -> Iterator[None]:
    """The package as it is when it is imported, before and after a test: nobody is signed in in this process."""
    from tokentoss.testing import reset

    reset()
    yield
    reset()


@pytest.fixture(scope="session")
def iap_emulator_options() -> dict[str, Any]:
    """What iap_emulator is started with, as tokentoss.testing.Emulator takes it. Define it anew to change that."""
    return {}


@pytest.fixture(scope="session")
def iap_emulator_process(iap_emulator_options: dict[str, Any]) -> Iterator[Emulator]:
    """The emulator of a whole run. Tests ask for iap_emulator."""
    from tokentoss.testing import Emulator

    with Emulator(**iap_emulator_options) as emulator:
        yield emulator


@pytest.fixture
def iap_emulator(iap_emulator_process: Emulator) -> Emulator:
    """A Google and an IAP, as they are when they are started: what another test changed is taken back."""
    iap_emulator_process.reset()
    return iap_emulator_process
