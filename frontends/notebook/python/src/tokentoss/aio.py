"""IAP for httpx: an auth object, and a client for asyncio. It needs httpx: pip install 'tokentoss[httpx]'."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable
from typing import TYPE_CHECKING, Any

try:
    import anyio.to_thread
    import httpx
except ImportError as e:
    raise ImportError(f"this needs httpx, which cannot be imported: {e}; pip install 'tokentoss[httpx]'") from e

from . import _engine, _iap, _origin
from ._iap import ACCEPTED, AUTHORIZATION, Chain, judge, sign
from ._origin import Origin
from ._secret import Token
from .client import full_url
from .exceptions import IAPRefusedError, OriginError

if TYPE_CHECKING:
    from .auth_manager import AuthManager

__all__ = ["AsyncIAPClient", "HttpxIAPAuth", "IAPStatusError"]


class IAPStatusError(IAPRefusedError, httpx.HTTPStatusError):
    """IAP refused; an httpx.HTTPStatusError too."""

    request: httpx.Request
    response: httpx.Response


class RefusedResponse(httpx.Response):
    """IAP's own answer. Its raise_for_status() says who was refused what, and what to do."""

    refused: tuple[Origin, Token, bool]

    def error(self, **more: Any) -> IAPStatusError:
        """Returns the answer, which has been read, as an error."""
        origin, token, renewed = self.refused
        more = {"renewed": renewed, "response": self, "request": self.request, **more}
        error = _iap.refusal(IAPStatusError, self.status_code, origin, token, self.content[:65536], **more)
        assert isinstance(error, IAPStatusError)
        return error

    def raise_for_status(self) -> httpx.Response:
        raise self.error()


def _refuse(
    response: httpx.Response, origin: Origin, token: Token, renewed: bool, one_shot: bool = False
) -> httpx.Response:
    """Marks an answer, which has been read, as IAP's refusal; raises for a sign-in page, which is nobody's answer."""
    response.__class__ = RefusedResponse
    assert isinstance(response, RefusedResponse)
    response.refused = origin, token, renewed
    if response.status_code not in (401, 403):
        raise response.error(one_shot=one_shot)
    return response


def _origin_of(request: httpx.Request) -> Origin:
    return _origin.origin_of(str(request.url))


async def _token(source: Chain) -> Token:
    """Returns a token that is good now; in a thread where that takes time."""
    token = source.cached()
    return token if token is not None else await anyio.to_thread.run_sync(source.token)


def _replayable(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)


class HttpxIAPAuth(httpx.Auth):
    """Signs requests to services behind IAP, of httpx.Client and httpx.AsyncClient alike::

        httpx.get(url, auth=HttpxIAPAuth("https://app.example.com"))

    The token goes to the origins that are named and to no other, redirects among them; a request to another one is an
    OriginError. A token that IAP refuses is renewed once. IAP's refusal comes back as its answer, whose
    raise_for_status() raises an IAPStatusError.
    """

    def __init__(self, *origins: str, auth_manager: AuthManager | None = None) -> None:
        if not origins:
            raise OriginError("no origin is named", hint="name the services that may see the token")
        self._origins = _origin.allowed_all(origins)
        self._source = Chain(auth_manager)
        _engine.start_early()

    def __repr__(self) -> str:
        return f"HttpxIAPAuth({', '.join(repr(str(o)) for o in sorted(self._origins))})"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Implements httpx.Auth."""
        origin = self._check(request)
        token = self._source.token()
        response = yield self._sign(request, token, origin)
        if self._refusal(response) is None:
            return
        response.read()
        fresh = token.renew() if self._again(request, response) else token
        if fresh.value != token.value:
            response = yield self._sign(request, fresh, origin)
            response.read()
        self._end(response, fresh, origin, fresh.value != token.value)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Implements httpx.Auth."""
        origin = self._check(request)
        token = await _token(self._source)
        response = yield self._sign(request, token, origin)
        if self._refusal(response) is None:
            return
        await response.aread()
        fresh = await anyio.to_thread.run_sync(token.renew) if self._again(request, response) else token
        if fresh.value != token.value:
            response = yield self._sign(request, fresh, origin)
            await response.aread()
        self._end(response, fresh, origin, fresh.value != token.value)

    def _check(self, request: httpx.Request) -> Origin:
        origin = _origin_of(request)
        if origin not in self._origins:
            raise OriginError(
                f"nothing was sent to {origin}: it is not among the origins of {self!r}",
                hint="name it there if it may see the token",
            )
        if AUTHORIZATION in request.headers:
            raise OriginError(
                f"nothing was sent to {origin}: the request has an Authorization header of its own",
                hint="use tokentoss.AsyncIAPClient, which puts the token beside it",
            )
        return origin

    @staticmethod
    def _sign(request: httpx.Request, token: Token, origin: Origin) -> httpx.Request:
        request.headers.pop(AUTHORIZATION, None)
        sign(request.headers, token, origin)
        return request

    @staticmethod
    def _refusal(response: httpx.Response) -> httpx.Response | None:
        """Finds the refusal in an answer, or among the redirects that httpx followed to it."""
        for hop in (*response.history, response):
            if judge(hop.status_code, hop.headers) != ACCEPTED:
                return hop
        return None

    def _again(self, request: httpx.Request, response: httpx.Response) -> bool:
        """Tells whether the request is to be sent again with another token."""
        hop = self._refusal(response)
        return hop is not None and judge(hop.status_code, hop.headers) == _iap.STALE and _replayable(request)

    def _end(self, response: httpx.Response, token: Token, origin: Origin, renewed: bool) -> None:
        hop = self._refusal(response)
        if hop is not None and (hop is response or hop.status_code not in (401, 403)):
            _refuse(hop, origin, token, renewed)


class AsyncIAPClient:
    """IAPClient for asyncio, over httpx; the same rules, and awaited::

        async with AsyncIAPClient(base_url="https://my-iap-service.run.app") as client:
            data = await client.get_json("/api/data")

    http_client is an httpx.AsyncClient of your own, with limits, a proxy or certificates; it is closed with this one.
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
        self._source = Chain(auth_manager)
        self._client = http_client or httpx.AsyncClient()
        _engine.start_early()

    def __repr__(self) -> str:
        return f"AsyncIAPClient(base_url={self.base_url!r})"

    async def request(self, method: str, path: str, *, follow_redirects: bool = True, **kwargs: Any) -> httpx.Response:
        """Makes a request. kwargs are those of httpx.AsyncClient.request()."""
        kwargs.setdefault("timeout", self.timeout)
        auth = kwargs.pop("auth", httpx.USE_CLIENT_DEFAULT)
        request = self._client.build_request(method, full_url(self.base_url, path), **kwargs)
        origins = self._origins or {_origin.allowed(str(request.url))}
        history: list[httpx.Response] = []
        while True:
            origin = self._check(request, origins, history)
            if origin is None:
                response = await self._client.send(request, auth=auth, follow_redirects=False)
            else:
                response = await self._signed(request, origin, auth)
            response.history = list(history)
            following = response.next_request
            if following is None or not follow_redirects:
                return response
            history.append(response)
            if len(history) > self._client.max_redirects:
                raise httpx.TooManyRedirects("Exceeded maximum allowed redirects.", request=request)
            request = following

    @staticmethod
    def _check(request: httpx.Request, origins: Iterable[Origin], history: list[httpx.Response]) -> Origin | None:
        """Returns the origin that a request is for if it may see the token. None is for others on a redirect."""
        origin = _origin_of(request)
        if history and history[-1].request.url.scheme == "https" and origin.scheme == "http":
            raise OriginError(f"the redirect to {origin} was not followed: it leads from https to http")
        if origin in origins:
            host = request.headers.get("Host")
            if host and _origin.origin_of(f"{origin.scheme}://{host}") not in origins:
                raise OriginError(
                    f"nothing was sent to {origin}: its Host header names {host!r}, which may not see the token"
                )
            return origin
        if history:
            return None
        names = ", ".join(sorted(map(str, origins)))
        raise OriginError(
            f"nothing was sent to {origin}: only {names} may see the token",
            hint=f"add it if it may: origins=['{origin}']",
        )

    async def _signed(self, request: httpx.Request, origin: Origin, auth: Any) -> httpx.Response:
        token = await _token(self._source)
        response = await self._send(request, token, origin, auth)
        verdict = judge(response.status_code, response.headers)
        if verdict == ACCEPTED:
            return response
        renewed = False
        one_shot = verdict == _iap.STALE and not _replayable(request)
        if verdict == _iap.STALE and not one_shot:
            fresh = await anyio.to_thread.run_sync(token.renew)
            if fresh.value != token.value:
                response = await self._send(request, fresh, origin, auth)
                token, renewed = fresh, True
                if judge(response.status_code, response.headers) == ACCEPTED:
                    return response
        return _refuse(response, origin, token, renewed, one_shot)

    async def _send(self, request: httpx.Request, token: Token, origin: Origin, auth: Any) -> httpx.Response:
        """Sends a request with the token, of which nothing stays in it, nor in that of a redirect."""
        own = request.headers.copy()
        own_auth = self._client.auth if auth is httpx.USE_CLIENT_DEFAULT else auth
        header = sign(request.headers, token, origin, beside=own_auth is not None)
        try:
            response = await self._client.send(request, auth=auth, follow_redirects=False)
        except httpx.RequestError as e:
            # The frames below have the token, and verbose tracebacks show what frames have.
            e.__context__ = None
            raise e.with_traceback(None) from None
        finally:
            request.headers = own
        response.request = request
        following = response.next_request
        if following is not None and following.headers.get(header) == token.bearer():
            del following.headers[header]
            following.headers.pop(_iap.REQUESTED_WITH, None)
        return response

    async def get(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a GET request."""
        return await self.request("GET", path, **kwargs)

    async def post(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a POST request."""
        return await self.request("POST", path, **kwargs)

    async def put(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a PUT request."""
        return await self.request("PUT", path, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a DELETE request."""
        return await self.request("DELETE", path, **kwargs)

    async def patch(self, path: str, **kwargs: Any) -> httpx.Response:
        """Makes a PATCH request."""
        return await self.request("PATCH", path, **kwargs)

    async def get_json(self, path: str, **kwargs: Any) -> Any:
        """Returns the JSON of a GET request's answer; raises for a status of 400 or more."""
        response = await self.get(path, **kwargs)
        response.raise_for_status()
        return response.json()

    async def post_json(self, path: str, json: Any = None, **kwargs: Any) -> Any:
        """Returns the JSON of a POST request's answer; raises for a status of 400 or more."""
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
