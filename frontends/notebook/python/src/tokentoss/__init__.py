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

from . import exceptions
from ._version import __version__

if TYPE_CHECKING:
    from ._credentials import Credentials
    from ._logging import disable_debug, enable_debug
    from ._requests import IAPAuth
    from .aio import AsyncIAPClient as AsyncIAPClient
    from .aio import HttpxIAPAuth as HttpxIAPAuth
    from .auth_manager import DEFAULT_SCOPES, AuthManager, ClientConfig, generate_pkce_pair
    from .client import IAPClient
    from .configure_widget import ConfigureWidget
    from .exceptions import (
        ConfigurationError,
        EngineEndedError,
        EngineError,
        EngineVersionError,
        ExecutableNotFoundError,
        IAPRefusedError,
        InsecureFilePermissionsWarning,
        InteractionRequiredError,
        NoCredentialsError,
        NotConfiguredError,
        NotRevokedError,
        OriginError,
        SignInError,
        SignInNeededError,
        SignInTimeoutError,
        StorageError,
        TokenExchangeError,
        TokenRefreshError,
        TokenTossError,
        WidgetUnavailableError,
    )
    from .setup import configure, configure_from_credentials, configure_from_file, get_config_path
    from .signin import sign_in, sign_out
    from .storage import FileStorage, MemoryStorage, TokenData
    from .widget import GoogleAuthWidget

    # The credentials of who signed in here last, through a widget, sign_in() or an AuthManager; None when nobody did.
    # A program may put others here, which IAPClient then uses.
    CREDENTIALS: Credentials | None

# What is in which module. A module is imported when a name of it is first used: a program that makes requests does not
# wait for the widgets.
_MODULES = {
    "_logging": ("disable_debug", "enable_debug"),
    "_requests": ("IAPAuth",),
    "aio": ("AsyncIAPClient", "HttpxIAPAuth"),
    "auth_manager": ("DEFAULT_SCOPES", "AuthManager", "ClientConfig", "generate_pkce_pair"),
    "client": ("IAPClient",),
    "configure_widget": ("ConfigureWidget",),
    "exceptions": exceptions.__all__,
    "setup": ("configure", "configure_from_credentials", "configure_from_file", "get_config_path"),
    "signin": ("sign_in", "sign_out"),
    "storage": ("FileStorage", "MemoryStorage", "TokenData"),
    "widget": ("GoogleAuthWidget",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

# Without those that need an extra: a star import takes what is there.
__all__ = [
    "CREDENTIALS",
    "DEFAULT_SCOPES",
    "AuthManager",
    "ClientConfig",
    "ConfigurationError",
    "ConfigureWidget",
    "EngineEndedError",
    "EngineError",
    "EngineVersionError",
    "ExecutableNotFoundError",
    "FileStorage",
    "GoogleAuthWidget",
    "IAPAuth",
    "IAPClient",
    "IAPRefusedError",
    "InsecureFilePermissionsWarning",
    "InteractionRequiredError",
    "MemoryStorage",
    "NoCredentialsError",
    "NotConfiguredError",
    "NotRevokedError",
    "OriginError",
    "SignInError",
    "SignInNeededError",
    "SignInTimeoutError",
    "StorageError",
    "TokenData",
    "TokenExchangeError",
    "TokenRefreshError",
    "TokenTossError",
    "WidgetUnavailableError",
    "__version__",
    "configure",
    "configure_from_credentials",
    "configure_from_file",
    "disable_debug",
    "enable_debug",
    "generate_pkce_pair",
    "get_config_path",
    "sign_in",
    "sign_out",
]


def __getattr__(name: str) -> Any:
    if name == "CREDENTIALS":
        credentials = importlib.import_module("._credentials", __name__)
        return credentials.as_credentials()
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
