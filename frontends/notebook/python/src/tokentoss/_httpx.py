"""IAP for httpx and for httpx2, which are alike: a transport, and an auth object. Either works with both libraries.

What they do is written once, as steps; a driver takes the steps for synchronous programs, and one for asynchronous.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _iap, _origin, _proxies, _rpc
from ._iap import ACCEPTED, PROXY_AUTHORIZATION, STALE, judge, sign
from ._origin import Origin
from ._secret import Secret, Token
from ._sources import Discovery
from .exceptions import IAPRefusedError, OriginError

_LIBRARIES = []
for _name in ("httpx", "httpx2"):
    with contextlib.suppress(ImportError):
        _LIBRARIES.append(importlib.import_module(_name))
if not _LIBRARIES:
    raise ImportError("this needs httpx or httpx2, and neither can be imported: pip install 'tokentoss[httpx]'")

if TYPE_CHECKING:
    import httpx as httpx  # noqa: PLC0414

    class _TransportBase(httpx.AsyncBaseTransport, httpx.BaseTransport):
        pass

    _AuthBase = httpx.Auth
else:
    httpx = _LIBRARIES[0]
    _TransportBase = type(
        "_TransportBase", tuple(t for lib in _LIBRARIES for t in (lib.AsyncBaseTransport, lib.BaseTransport)), {}
    )
    _AuthBase = type("_AuthBase", tuple(lib.Auth for lib in _LIBRARIES), {})

# A step is one of these, and what it is about; its result is sent back.
_CALL, _SEND, _READ, _CLOSE = "call", "send", "read", "close"
_Steps = Generator[tuple[str, Any], Any, Any]

_CALL_KEY = "tokentoss"  # among a request's extensions, which its redirects have too

MAX_SENT = 20  # requests that one call may come to, within the auth object


def library_of(thing: Any) -> Any:
    """Returns the library that an object is of."""
    for cls in type(thing).__mro__:
        root = cls.__module__.partition(".")[0]
        if root in ("httpx", "httpx2"):
            return sys.modules[root]
    raise TypeError(f"a {type(thing).__name__} is of neither httpx nor httpx2")


class _Kit(NamedTuple):
    """What has to be of the library's own types."""

    status_error: Any
    refused: Any
    beside: Any


@functools.cache
def _kit(library: Any) -> _Kit:
    class IAPStatusError(IAPRefusedError, library.HTTPStatusError):  # type: ignore[misc]
        """IAP refused; the library's HTTPStatusError too."""

    class RefusedResponse(library.Response):  # type: ignore[misc]
        """IAP's own answer. Its raise_for_status() says who was refused what, and what to do."""

        refused: tuple[Origin, Token, bool]

        def error(self, **more: Any) -> IAPRefusedError:
            """Returns the answer, which has been read, as an error."""
            origin, token, renewed = self.refused
            more = {"renewed": renewed, "response": self, "request": self.request, **more}
            return _iap.refusal(IAPStatusError, self.status_code, origin, token, self.content[:65536], **more)

        def raise_for_status(self) -> Any:
            raise self.error()

    class Beside(library.Headers):  # type: ignore[misc]
        """Headers with one more on the wire, which no redirect, copy or error has."""

        token: Secret

        @property
        def raw(self) -> list[tuple[bytes, bytes]]:
            return [*super().raw, (PROXY_AUTHORIZATION.encode(), self.token.encode())]

    return _Kit(IAPStatusError, RefusedResponse, Beside)


def _refuse(response: Any, origin: Origin, token: Token, renewed: bool, one_shot: bool = False) -> Any:
    """Marks an answer, which has been read, as IAP's refusal; raises for a sign-in page, which is nobody's answer."""
    response.__class__ = _kit(library_of(response)).refused
    response.refused = origin, token, renewed
    if response.status_code not in (401, 403):
        raise response.error(one_shot=one_shot)
    return response


def _verdict(response: Any, token: Token, request: Any) -> str:
    return judge(response.status_code, response.headers, str(request.url), token)


def _origin_of(request: Any) -> Origin:
    return _origin.origin_of(str(request.url))


def _replayable(request: Any) -> bool:
    return isinstance(request.stream, library_of(request).ByteStream)


def _asks(source: Discovery) -> Callable[[], Token]:
    """Returns what gives a token: at once where there is one."""
    token = source.cached()
    return source.token if token is None else lambda: token


def _drive(steps: _Steps, send: Callable[[Any], Any]) -> Any:
    """Takes the steps of a synchronous program."""
    result = None
    while True:
        try:
            do, what = steps.send(result)
        except StopIteration as end:
            return end.value
        result = send(what) if do == _SEND else what() if do == _CALL else what.read() if do == _READ else what.close()


async def _drive_async(steps: _Steps, send: Callable[[Any], Awaitable[Any]]) -> Any:
    """Takes the steps of an asynchronous one. What may take time of its own goes into a thread."""
    result = None
    while True:
        try:
            do, what = steps.send(result)
        except StopIteration as end:
            return end.value
        if do == _CALL:
            result = await in_thread(what)
        else:
            result = await (send(what) if do == _SEND else what.aread() if do == _READ else what.aclose())


async def in_thread(call: Callable[[], Any]) -> Any:
    """Makes a call that may take time, while other tasks go on."""
    import anyio.to_thread

    return await anyio.to_thread.run_sync(call)


class Call:
    """What is known of one call with all its redirects."""

    def __init__(self, origins: frozenset[Origin]) -> None:
        self.origins = origins
        self.last: Origin | None = None


class Transport(_TransportBase):
    """Sends the token with each request to an origin that may see it, redirects among them, and with no other."""

    def __init__(self, source: Discovery, origins: frozenset[Origin], client: Any | None) -> None:
        self._source = source
        self._origins = origins
        self._given = client
        self._clients: dict[tuple[Any, bool], Any] = {}

    def handle_request(self, request: Any) -> Any:
        """Implements BaseTransport."""
        client = self._client(request, False)

        def send(request: Any) -> Any:
            return client.send(request, stream=True, auth=None, follow_redirects=False)

        steps = self._steps(request)
        try:
            return _drive(steps, send)
        except library_of(request).RequestError as e:
            raise _bare(e, request) from None

    async def handle_async_request(self, request: Any) -> Any:
        """Implements AsyncBaseTransport."""
        client = self._client(request, True)

        async def send(request: Any) -> Any:
            return await client.send(request, stream=True, auth=None, follow_redirects=False)

        try:
            return await _drive_async(self._steps(request), send)
        except library_of(request).RequestError as e:
            raise _bare(e, request) from None

    def close(self) -> None:
        """Closes the connections of a synchronous program."""
        for (_, is_async), client in self._clients.items():
            if not is_async:
                client.close()

    async def aclose(self) -> None:
        """Closes the connections of an asynchronous one."""
        for (_, is_async), client in self._clients.items():
            if is_async:
                await client.aclose()

    def _client(self, request: Any, is_async: bool) -> Any:
        """Returns the client that requests are sent by, which knows the environment's proxies and certificates."""
        library = library_of(request)
        client = self._clients.get((library, is_async))
        if client is None:
            client = self._given
            if client is None:
                _proxies.check_all()
                client = library.AsyncClient() if is_async else library.Client()
            elif not isinstance(client, library.AsyncClient if is_async else library.Client):
                kind = "an AsyncClient" if is_async else "a Client"
                raise TypeError(f"client is a {type(client).__name__}: this call needs {kind} of {library.__name__}")
            self._clients[library, is_async] = client
        return client

    def _steps(self, request: Any) -> _Steps:
        origin = self._check(request)
        if origin is None:
            return (yield _SEND, request)
        token = yield _CALL, _asks(self._source)
        response = yield _SEND, self._signed(request, token, origin)
        verdict = _verdict(response, token, request)
        if verdict == ACCEPTED:
            return response
        yield _READ, response
        renewed = False
        one_shot = verdict == STALE and not _replayable(request)
        if verdict == STALE and not one_shot:
            fresh = yield _CALL, token.renew
            if fresh.value != token.value:
                yield _CLOSE, response
                response = yield _SEND, self._signed(request, fresh, origin)
                token, renewed = fresh, True
                if _verdict(response, token, request) == ACCEPTED:
                    return response
                yield _READ, response
        response.request = request
        return _refuse(response, origin, token, renewed, one_shot)

    def _check(self, request: Any) -> Origin | None:
        """Returns the origin that a request is for if it may see the token. None is for others on a redirect."""
        call = request.extensions.setdefault(_CALL_KEY, Call(self._origins))
        origin = _origin_of(request)
        last, call.last = call.last, origin
        _iap.check_downgrade(last, origin)
        if origin not in call.origins:
            if last is not None:
                return None
            raise _iap.not_listed(origin, call.origins)
        _iap.check_host(request.headers.get("Host"), origin, call.origins)
        if self._given is None and _proxies.in_clear_text(origin):
            raise _proxies.clear_text(origin)
        return origin

    @staticmethod
    def _signed(request: Any, token: Token, origin: Origin) -> Any:
        """Returns a copy of a request, with the token: nothing of it comes into the request, or into a redirect's."""
        headers = request.headers.copy()
        sign(headers, token, origin)
        return library_of(request).Request(
            request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
        )


def _bare(e: Any, request: Any) -> Any:
    """Takes from an error what has the token: verbose tracebacks show what frames have."""
    e.request = request
    e.__context__ = None
    return e.with_traceback(None)


class IAPTransport(Transport):
    """Has a client of httpx or httpx2 reach services behind IAP, and so whatever takes such a client::

        client = httpx.Client(transport=IAPTransport("https://app.example.com"))
        OpenAI(base_url="https://app.example.com/v1", http_client=client)

    It is for httpx.Client, httpx.AsyncClient, and those of httpx2. The token goes to the origins that are named,
    redirects among them, and a redirect elsewhere goes without; any other request is an OriginError. Where a request
    has an Authorization of its own, the token goes into Proxy-Authorization. A token that IAP refuses is renewed once.
    IAP's refusal comes back as its answer, whose raise_for_status() raises an IAPRefusedError.

    Parameters
    ----------
    origins
        The services that may see the token, such as "https://app.example.com". A path is of no account.
    auth_manager
        Whose token it is: an AuthManager, or credentials with an ``id_token``. By default that of
        tokentoss.CREDENTIALS, else of the profile's session.
    client
        What the requests are sent by: an httpx.Client or httpx.AsyncClient with certificates, proxies, limits or
        HTTP/2 of your own. It is closed with this. By default it is a new one, for which the environment's hold.

    Raises
    ------
    OriginError
        No origin is named, or one of them must not see a token, as it is not https.
    """

    def __init__(self, *origins: str, auth_manager: Any | None = None, client: Any | None = None) -> None:
        if not origins:
            raise OriginError("no origin is named", hint="name the services that may see the token")
        super().__init__(Discovery(auth_manager), _origin.allowed_all(origins), client)
        _rpc.start_early()

    def __repr__(self) -> str:
        return f"IAPTransport({', '.join(repr(str(o)) for o in sorted(self._origins))})"

    def __reduce__(self) -> Any:
        if self._given is not None:
            raise TypeError("an IAPTransport with a client of your own is not pickled: connections are not")
        return _transport, (tuple(map(str, sorted(self._origins))), self._source.given)


def _transport(origins: Iterable[str], auth_manager: Any | None) -> IAPTransport:
    return IAPTransport(*origins, auth_manager=auth_manager)


class HttpxIAPAuth(_AuthBase):
    """Signs requests to services behind IAP, of clients of httpx and httpx2 alike::

        httpx.get(url, auth=HttpxIAPAuth("https://app.example.com"))

    The token goes to the origins that are named and to no other, redirects among them; a request to another one is an
    OriginError. Where a request has an Authorization of its own, the token goes into Proxy-Authorization. A token that
    IAP refuses is renewed once. IAP's refusal comes back as its answer, whose raise_for_status() raises an
    IAPRefusedError. Where a library wants a client, give it one with an IAPTransport.

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
        self._origins = _origin.allowed_all(origins)
        self._source = Discovery(auth_manager)
        _rpc.start_early()

    def __repr__(self) -> str:
        return f"HttpxIAPAuth({', '.join(repr(str(o)) for o in sorted(self._origins))})"

    def __reduce__(self) -> Any:
        return _auth, (tuple(map(str, sorted(self._origins))), self._source.given)

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Implements httpx.Auth."""
        steps, result = self._steps(request), None
        while True:
            try:
                do, what = steps.send(result)
            except StopIteration:
                return
            result = (yield what) if do == _SEND else what() if do == _CALL else what.read()

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Implements httpx.Auth."""
        steps, result = self._steps(request), None
        while True:
            try:
                do, what = steps.send(result)
            except StopIteration:
                return
            if do == _SEND:
                result = yield what
            else:
                result = await (in_thread(what) if do == _CALL else what.aread())

    def _steps(self, request: Any) -> _Steps:
        origin = _origin_of(request)
        if origin not in self._origins:
            raise _iap.not_listed(origin, self._origins)
        token = yield _CALL, _asks(self._source)
        own, renewed = request.headers, False
        for earlier in range(MAX_SENT):
            request.headers = _with(own, token, origin)
            response = yield _SEND, request
            # httpx has followed redirects. Of those of earlier turns, the history has the last answer only.
            refused = self._refused([*response.history, response][earlier:], token)
            if refused is None:
                return
            yield _READ, response
            if not _carries(refused.request, token):  # httpx does not sign what a redirect leads to
                request, own = refused.request, refused.request.headers
                origin = _origin_of(request)
                continue
            stale = _verdict(refused, token, refused.request) == STALE
            one_shot = stale and not _replayable(request)
            if stale and not one_shot and not renewed:
                fresh = yield _CALL, token.renew
                if fresh.value != token.value:
                    token, renewed = fresh, True
                    continue
            if refused is response or refused.status_code not in (401, 403):
                _refuse(refused, origin, token, renewed, one_shot)
            return

    def _refused(self, hops: list[Any], token: Token) -> Any | None:
        """Finds IAP's refusal among the answers to a request and to what its redirects led to."""
        for hop in hops:
            if _origin_of(hop.request) in self._origins and _verdict(hop, token, hop.request) != ACCEPTED:
                return hop
        return None


def _with(own: Any, token: Token, origin: Origin) -> Any:
    """Returns headers with the token. httpx takes Authorization from a redirect elsewhere, and nothing else."""
    headers = own.copy()
    if sign(headers, token, origin) != PROXY_AUTHORIZATION:
        return headers
    del headers[PROXY_AUTHORIZATION]
    beside = _kit(library_of(headers)).beside(headers)
    beside.token = token.bearer()
    return beside


def _carries(request: Any, token: Token) -> bool:
    return any(value == token.bearer().encode() for _, value in request.headers.raw)


def _auth(origins: Iterable[str], auth_manager: Any | None) -> HttpxIAPAuth:
    return HttpxIAPAuth(*origins, auth_manager=auth_manager)
