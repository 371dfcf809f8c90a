"""Sign in with Google once, and call services behind Identity-Aware Proxy from notebooks and programs::

    from tokentoss import GoogleAuthWidget, IAPClient

    display(GoogleAuthWidget())  # or, without a notebook: tokentoss.sign_in()
    client = IAPClient(base_url="https://my-iap-service.run.app")
    data = client.get_json("/api/data")

The work is done by the tokentoss executable that comes with this package: no token is read, refreshed or stored by
Python, and the session is the one of the shell and of Go programs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import _current
from ._doctor import doctor as doctor
from ._logging import disable_debug as disable_debug
from ._logging import enable_debug as enable_debug
from ._version import __version__ as __version__
from .auth_manager import DEFAULT_SCOPES as DEFAULT_SCOPES
from .auth_manager import AuthManager as AuthManager
from .auth_manager import ClientConfig as ClientConfig
from .auth_manager import generate_pkce_pair as generate_pkce_pair
from .client import IAPClient as IAPClient
from .exceptions import *  # noqa: F403
from .setup import configure as configure
from .setup import configure_from_credentials as configure_from_credentials
from .setup import configure_from_file as configure_from_file
from .setup import get_config_path as get_config_path
from .signin import sign_in as sign_in
from .signin import sign_out as sign_out
from .storage import FileStorage as FileStorage
from .storage import MemoryStorage as MemoryStorage
from .storage import TokenData as TokenData

# What needs another library is imported when it is first used: a program that makes requests does not wait for widgets.
_LAZY = {
    "AiohttpIAPMiddleware": "_aiohttp",
    "AsyncIAPClient": "aio",
    "ConfigureWidget": "configure_widget",
    "GoogleAuthWidget": "widget",
    "HttpxIAPAuth": "_httpx",
    "IAPAuth": "_requests",
    "IAPTransport": "_httpx",
}
_EXTRAS = {
    "AiohttpIAPMiddleware",
    "AsyncIAPClient",
    "HttpxIAPAuth",
    "IAPTransport",
}  # a star import has no part in them

if TYPE_CHECKING:
    from ._aiohttp import AiohttpIAPMiddleware as AiohttpIAPMiddleware
    from ._credentials import SessionCredentials
    from ._httpx import HttpxIAPAuth as HttpxIAPAuth
    from ._httpx import IAPTransport as IAPTransport
    from ._requests import IAPAuth as IAPAuth
    from .aio import AsyncIAPClient as AsyncIAPClient
    from .configure_widget import ConfigureWidget as ConfigureWidget
    from .widget import GoogleAuthWidget as GoogleAuthWidget

    # The credentials of who signed in here last, through a widget, sign_in() or an AuthManager; None when nobody did.
    # A program may put others here, which IAPClient then uses.
    CREDENTIALS: SessionCredentials | None


def _names() -> list[str]:
    mine = [
        name
        for name, value in globals().items()
        if name == "DEFAULT_SCOPES" or getattr(value, "__module__", "").startswith(f"{__name__}.")
    ]
    return sorted({*mine, *_LAZY, "CREDENTIALS", "__version__"} - _EXTRAS)


__all__ = _names()  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name == "CREDENTIALS":
        session = _current.session()
        return None if session is None else _credentials_of(session)
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value


def _credentials_of(session: Any) -> Any:
    from ._credentials import of_session

    try:
        return of_session(session)
    except NoCredentialsError:  # noqa: F405 - it was ended elsewhere
        return None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_EXTRAS})
