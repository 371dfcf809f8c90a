"""IAP for aiohttp: a middleware of its client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

try:
    import aiohttp
except ImportError as e:
    raise ImportError(f"this needs aiohttp, which cannot be imported: {e}; pip install 'tokentoss[aiohttp]'") from e

from . import _iap, _proxies, _rpc
from ._iap import ACCEPTED, STALE, judge, sign
from ._origin import Origin, allowed_all, origin_of
from ._secret import Token
from ._sources import Discovery
from .exceptions import IAPRefusedError, OriginError

Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]


class IAPResponseError(IAPRefusedError, aiohttp.ClientResponseError):
    """IAP refused; an aiohttp.ClientResponseError too."""


class RefusedResponse(aiohttp.ClientResponse):
    """IAP's own answer. Its raise_for_status() says who was refused what, and what to do."""

    refused: tuple[Origin, Token, bool, bytes]

    def error(self, **more: Any) -> IAPRefusedError:
        """Returns the answer, which has been read, as an error."""
        origin, token, renewed, body = self.refused
        more = {
            "renewed": renewed,
            "status": self.status,
            "message": self.reason or "",
            "headers": self.headers,
            "request_info": self.request_info,
            "history": self.history,
            **more,
        }
        return _iap.refusal(IAPResponseError, self.status, origin, token, body[:65536], **more)

    def raise_for_status(self) -> None:
        raise self.error()


class AiohttpIAPMiddleware:
    """Signs the requests of an aiohttp.ClientSession to services behind IAP::

        async with aiohttp.ClientSession(middlewares=[AiohttpIAPMiddleware("https://app.example.com")]) as session:
            async with session.get("https://app.example.com/api/data") as response:
                data = await response.json()

    The token goes to the origins that are named, redirects among them; other requests of the session are left as they
    are. Where a request has an Authorization of its own, the token goes into Proxy-Authorization. A token that IAP
    refuses is renewed once, and the request sent again if its body can be. IAP's refusal comes back as its answer,
    whose raise_for_status() raises an IAPRefusedError; a sign-in page is never taken for an answer, and raises it, too.

    Parameters
    ----------
    origins
        The services that may see the token, such as "https://app.example.com". A path is of no account.
    auth_manager
        Whose token it is: an AuthManager, or credentials with an ``id_token``. By default that of
        tokentoss.CREDENTIALS, else of the profile's session.

    Raises
    ------
    OriginError
        No origin is named, or one of them must not see a token, as it is not https.
    """

    def __init__(self, *origins: str, auth_manager: Any | None = None) -> None:
        if not origins:
            raise OriginError("no origin is named", hint="name the services that may see the token")
        self._origins = allowed_all(origins)
        self._source = Discovery(auth_manager)
        _rpc.start_early()

    def __repr__(self) -> str:
        return f"AiohttpIAPMiddleware({', '.join(repr(str(o)) for o in sorted(self._origins))})"

    def __reduce__(self) -> Any:
        return _middleware, (tuple(map(str, sorted(self._origins))), self._source.given)

    async def __call__(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        """Implements a middleware of aiohttp. It is called for each redirect, too."""
        url = str(request.url)
        origin = origin_of(url)
        if origin not in self._origins:
            return await handler(request)
        _iap.check_host(request.headers.get("Host"), origin, self._origins)
        if origin.scheme == "http" and request.proxy:
            raise _proxies.clear_text(origin)
        known = self._source.cached()
        token = known if known is not None else await asyncio.to_thread(self._source.token)
        response = await _send(request, handler, token, origin)
        verdict = judge(response.status, response.headers, url, token)
        if verdict == ACCEPTED:
            return response
        body, renewed = await response.read(), False
        one_shot = verdict == STALE and getattr(request.body, "consumed", False)
        if verdict == STALE and not one_shot:
            fresh = await asyncio.to_thread(token.renew)
            if fresh.value != token.value:
                response = await _send(request, handler, fresh, origin)
                token, renewed = fresh, True
                if judge(response.status, response.headers, url, token) == ACCEPTED:
                    return response
                body = await response.read()
        response.__class__ = RefusedResponse
        assert isinstance(response, RefusedResponse)
        response.refused = origin, token, renewed, body
        if response.status not in (401, 403):
            raise response.error(one_shot=one_shot)
        return response


async def _send(
    request: aiohttp.ClientRequest, handler: Handler, token: Token, origin: Origin
) -> aiohttp.ClientResponse:
    """Sends a request with the token, of which nothing stays in it, nor in what the answer says of it."""
    added = _iap.REQUESTED_WITH not in request.headers
    name = sign(request.headers, token, origin)
    try:
        return await handler(request)
    finally:
        del request.headers[name]
        if added:
            del request.headers[_iap.REQUESTED_WITH]


def _middleware(origins: Iterable[str], auth_manager: Any | None) -> AiohttpIAPMiddleware:
    return AiohttpIAPMiddleware(*origins, auth_manager=auth_manager)
