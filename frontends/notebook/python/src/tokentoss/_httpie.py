"""For HTTPie, which finds this by its entry point: ``http --auth-type tokentoss https://app.example.com``."""

from __future__ import annotations

from typing import Any

import requests
from httpie.plugins import AuthPlugin
from requests.auth import AuthBase

from ._requests import IAPAuth


class HTTPieAuthPlugin(AuthPlugin):  # type: ignore[misc]
    """Signs a request to the address that stands on the command line."""

    name = "Identity-Aware Proxy, with the session of tokentoss"
    auth_type = "tokentoss"
    description = "Sign in once: tokentoss login"
    auth_require = False
    auth_parse = False
    netrc_parse = False
    prompt_password = False

    def get_auth(self, username: str | None = None, password: str | None = None) -> Any:
        """Returns what signs the request. Neither parameter is used."""
        return _AddressedAuth()


class _AddressedAuth(AuthBase):
    """IAPAuth for the address of the first request, which a person typed; a redirect elsewhere goes without token."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        return IAPAuth(r.url or "")(r)
