"""The client for services behind IAP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import _engine, _iap, _origin
from .exceptions import OriginError

if TYPE_CHECKING:
    import requests

    from ._requests import IAPAdapter
    from .auth_manager import AuthManager

__all__ = ["IAPClient"]


class IAPClient:
    """Makes requests to services behind IAP, with the token of who is signed in::

        client = IAPClient(base_url="https://my-iap-service.run.app")
        data = client.get_json("/api/data")

    The token is of ``auth_manager`` if one is given, else of tokentoss.CREDENTIALS, else of the session that lies in
    the profile's store. It goes to base_url's origin and to those in ``origins``; without either, to that of the
    absolute address of each call. A request to another one is an OriginError, and a redirect there goes without it.

    A token that IAP refuses is renewed, and the request repeated, once. What IAP still refuses comes back as its
    answer, 401 or 403, whose raise_for_status() raises an IAPRefusedError that says who is signed in and what is
    missing; get_json() and post_json() raise it themselves. A sign-in page is never taken for an answer.
    """

    def __init__(
        self,
        base_url: str | None = None,
        auth_manager: AuthManager | None = None,
        timeout: float | None = 30,
        *,
        origins: Iterable[str] = (),
    ) -> None:
        self.base_url = base_url.rstrip("/") if base_url else None
        self.timeout = timeout
        self._origins = _origin.allowed_all(origins)
        if self.base_url:
            self._origins |= {_origin.allowed(self.base_url)}
        self._chain = _iap.Chain(auth_manager)
        self._session_and_adapter: tuple[requests.Session, IAPAdapter] | None = None
        _engine.start_early()  # requests is imported meanwhile

    @property
    def _session(self) -> requests.Session:
        return self._connect()[0]

    def _connect(self) -> tuple[requests.Session, IAPAdapter]:
        if self._session_and_adapter is None:
            import requests

            from ._requests import IAPAdapter

            session = requests.Session()
            adapter = IAPAdapter(self._chain, self._origins)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            self._session_and_adapter = session, adapter
        return self._session_and_adapter

    def _request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        url = full_url(self.base_url, path)
        kwargs.setdefault("timeout", self.timeout)
        session, adapter = self._connect()
        with adapter.one_call(url, open_ended=not self._origins):
            return session.request(method, url, **kwargs)

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a GET request. kwargs are those of requests.Session.request()."""
        return self._request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a POST request."""
        return self._request("POST", path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a PUT request."""
        return self._request("PUT", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a DELETE request."""
        return self._request("DELETE", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a PATCH request."""
        return self._request("PATCH", path, **kwargs)

    def get_json(self, path: str, **kwargs: Any) -> Any:
        """Returns the JSON of a GET request's answer; raises for a status of 400 or more."""
        response = self.get(path, **kwargs)
        response.raise_for_status()
        return response.json()

    def post_json(self, path: str, json: Any = None, **kwargs: Any) -> Any:
        """Returns the JSON of a POST request's answer; raises for a status of 400 or more."""
        response = self.post(path, json=json, **kwargs)
        response.raise_for_status()
        return response.json()

    def close(self) -> None:
        """Closes the connections."""
        if self._session_and_adapter is not None:
            self._session_and_adapter[0].close()

    def __enter__(self) -> IAPClient:
        return self

    def __exit__(self, *args: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"IAPClient(base_url={self.base_url!r})"


def full_url(base_url: str | None, path: str) -> str:
    """Returns the address of a path at base_url, or an absolute address as it is."""
    if path.lower().startswith(("http://", "https://")):
        return path
    if base_url is None:
        raise OriginError(
            f"the relative path {path!r} requires a base_url",
            hint="give IAPClient a base_url, or an absolute address here",
        )
    return f"{base_url}/{path.lstrip('/')}"
