"""IAPClient for asyncio, over httpx or httpx2: pip install 'tokentoss[httpx]'."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import _origin, _rpc
from ._httpx import _CALL_KEY, Call, HttpxIAPAuth, Transport, httpx, library_of
from ._sources import Discovery
from .auth_manager import AuthManager
from .client import full_url
from .exceptions import TokenTossError

__all__ = ["AsyncIAPClient", "HttpxIAPAuth"]


class AsyncIAPClient:
    """IAPClient for asyncio, over httpx; the same rules, and awaited::

        async with AsyncIAPClient(base_url="https://my-iap-service.run.app") as client:
            data = await client.get_json("/api/data")

    It may be used by any number of tasks of one event loop, and pickled: its settings are, and no token.

    Parameters
    ----------
    base_url, auth_manager, timeout, origins
        As for IAPClient; timeout in seconds.
    http_client
        An httpx.AsyncClient of your own, or one of httpx2, with limits, a proxy, certificates, headers or cookies. It
        is closed with this one.

    Raises
    ------
    OriginError
        base_url or one of the origins must not see a token, as it is not https.
    """

    def __init__(
        self,
        base_url: str | None = None,
        auth_manager: AuthManager | None = None,
        timeout: float | None = 30,
        *,
        origins: Iterable[str] = (),
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/") if base_url else None
        self.timeout = timeout
        self._origins = _origin.allowed_all(origins)
        if self.base_url:
            self._origins |= {_origin.allowed(self.base_url)}
        self._source = Discovery(auth_manager)
        self._http_client = http_client
        self._client = _over(Transport(self._source, self._origins, http_client), http_client)
        _rpc.start_early()

    def __repr__(self) -> str:
        return f"AsyncIAPClient(base_url={self.base_url!r})"

    def __reduce__(self) -> Any:
        if self._http_client is not None:
            raise TypeError("an AsyncIAPClient with an http_client of your own is not pickled: connections are not")
        return _client, (self.base_url, self._source.given, self.timeout, tuple(map(str, sorted(self._origins))))

    async def request(self, method: str, path: str, *, follow_redirects: bool = True, **kwargs: Any) -> httpx.Response:
        """Makes a request.

        Parameters
        ----------
        method
            Such as "GET".
        path
            A path below base_url, or an absolute address.
        follow_redirects
            Whether a redirect is followed; to another origin without the token.
        kwargs
            As for httpx.AsyncClient.request(): params, headers, json, content, timeout (seconds) ...

        Returns
        -------
        httpx.Response
            The answer, of whatever status. IAP's refusal is one of 401 or 403.

        Raises
        ------
        OriginError, NoCredentialsError, TokenRefreshError, ConfigurationError, IAPRefusedError
            As IAPClient.get().
        httpx.RequestError
            There was no answer: no connection, or none in time.
        """
        __tracebackhide__ = True
        url = full_url(self.base_url, path)
        kwargs.setdefault("timeout", self.timeout)
        call = Call(self._origins or frozenset({_origin.allowed(url)}))
        kwargs["extensions"] = {**(kwargs.get("extensions") or {}), _CALL_KEY: call}
        try:
            return await self._client.request(method, url, follow_redirects=follow_redirects, **kwargs)
        except TokenTossError as e:  # it says what is wrong: where in here, nobody needs to know
            raise e.with_traceback(None) from e.__cause__

    async def get(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a GET request; as request()."""
        return await self.request("GET", path, **kwargs)

    async def post(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a POST request; as request()."""
        return await self.request("POST", path, **kwargs)

    async def put(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a PUT request; as request()."""
        return await self.request("PUT", path, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a DELETE request; as request()."""
        return await self.request("DELETE", path, **kwargs)

    async def patch(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a PATCH request; as request()."""
        return await self.request("PATCH", path, **kwargs)

    async def get_json(self, path: str, **kwargs: Any) -> Any:
        """Returns the JSON of a GET request's answer.

        Raises what request() raises; IAPRefusedError for IAP's refusal, and httpx.HTTPStatusError for another status
        of 400 or more; ValueError where the answer is not JSON.
        """
        response = await self.get(path, **kwargs)
        response.raise_for_status()
        return response.json()

    async def post_json(self, path: str, json: Any = None, **kwargs: Any) -> Any:
        """Returns the JSON of a POST request's answer, as get_json(). json is what is sent."""
        response = await self.post(path, json=json, **kwargs)
        response.raise_for_status()
        return response.json()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> AsyncIAPClient:
        return self

    async def __aexit__(self, *args: Any) -> None:
        await self.aclose()


def _over(transport: Transport, given: Any | None) -> httpx.AsyncClient:
    """Returns a client over a transport, with what a program set for its own client."""
    if given is None:
        return httpx.AsyncClient(transport=transport)
    client: httpx.AsyncClient = library_of(given).AsyncClient(
        transport=transport,
        auth=given.auth,
        base_url=given.base_url,
        cookies=given.cookies,
        headers=given.headers,
        max_redirects=given.max_redirects,
        params=given.params,
    )
    return client


def _client(base_url: str | None, given: Any, timeout: float | None, origins: tuple[str, ...]) -> AsyncIAPClient:
    return AsyncIAPClient(base_url, given, timeout, origins=origins)
