"""IAP for the requests library: an adapter, which sees every request of a session, and an auth object."""

from __future__ import annotations

import io
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.utils import rewind_body, select_proxy

from . import _iap, _proxies, _rpc
from ._iap import ACCEPTED, STALE, judge, sign
from ._origin import Origin, allowed, allowed_all, origin_of
from ._secret import Token
from ._sources import Discovery, Source
from .exceptions import IAPRefusedError, OriginError


class IAPHTTPError(IAPRefusedError, requests.HTTPError):
    """IAP refused; a requests.HTTPError too."""

    response: requests.Response
    request: requests.PreparedRequest


class RefusedResponse(requests.Response):
    """IAP's own answer. Its raise_for_status() says who was refused what, and what to do."""

    origin: Origin
    token: Token
    renewed: bool

    def error(self, body: bytes | None = None, **more: Any) -> IAPHTTPError:
        """Returns the answer as an error."""
        body = self.content[:65536] if body is None else body
        more = {"renewed": self.renewed, "response": self, "request": self.request, **more}
        error = _iap.refusal(IAPHTTPError, self.status_code, self.origin, self.token, body, **more)
        assert isinstance(error, IAPHTTPError)
        return error

    def raise_for_status(self) -> None:
        raise self.error()


def refused(response: requests.Response, origin: Origin, token: Token, renewed: bool) -> RefusedResponse:
    """Makes a RefusedResponse of an answer."""
    response.__class__ = RefusedResponse
    assert isinstance(response, RefusedResponse)
    response.origin, response.token, response.renewed = origin, token, renewed
    return response


def follow_up(
    token: Token, origin: Origin, response: requests.Response, send: Callable[[Token], requests.Response]
) -> requests.Response:
    """Renews a token that was refused, and sends the request once more.

    A 401 or 403 is handed back, for the caller to look at; a redirect to a sign-in page never is: it would be followed,
    and be taken for the service's answer.
    """
    verdict = _verdict(response, token)
    if verdict == ACCEPTED:
        return response
    renewed = False
    one_shot = verdict == STALE and not rewound(response.request)
    if verdict == STALE and not one_shot:
        fresh = token.renew()
        if fresh.value != token.value:
            again = send(fresh)
            response.close()
            response, token, renewed = again, fresh, True
            if _verdict(response, token) == ACCEPTED:
                return response
    answer = refused(response, origin, token, renewed)
    if answer.status_code not in (401, 403):
        raise answer.error(one_shot=one_shot)
    return answer


def _verdict(response: requests.Response, token: Token) -> str:
    return judge(response.status_code, response.headers, response.request.url or "", token)


def rewound(request: requests.PreparedRequest) -> bool:
    """Prepares the body of a request to be sent again, and tells whether it can be."""
    body = request.body
    if body is None or isinstance(body, (str, bytes)):
        return True
    if not isinstance(getattr(request, "_body_position", None), int):
        return False
    try:
        rewind_body(request)
    except requests.exceptions.UnrewindableBodyError:
        return False
    return True


class IAPSession(requests.Session):
    """A session that takes no password from a ~/.netrc: neither in the token's place, nor beside it, unasked.

    Proxies and certificates of the environment hold as ever, for which trust_env would be too much to give up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.auth = _as_it_is  # which requests takes before it looks into a .netrc

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Takes the caller's Authorization off a redirect to another host."""
        headers, url = prepared_request.headers, prepared_request.url or ""
        if "Authorization" in headers and self.should_strip_auth(response.request.url or "", url):
            del headers["Authorization"]


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class IAPAdapter(HTTPAdapter):
    """Sends the token with each request to an origin that may see it, redirects among them, and with no other.

    The requests that callers see, also those in answers and errors, do not have the token.
    """

    def __init__(self, source: Source, origins: frozenset[Origin]) -> None:
        super().__init__()
        self._source = source
        self._origins = origins
        self._call = threading.local()
        _adapters.add(self)

    @contextmanager
    def one_call(self, url: str, open_ended: bool) -> Iterator[None]:
        """Prepares for one call with all its redirects. Where no origin was named, that of the call is the one."""
        mine = self._origins
        if open_ended:
            mine |= {allowed(url)}
        self._call.origins, self._call.last = mine, None
        try:
            yield
        finally:
            self._call.__dict__.clear()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        options: dict[str, Any] = {
            "stream": stream,
            "timeout": timeout,
            "verify": verify,
            "cert": cert,
            "proxies": proxies,
        }
        origin = self._check(request, proxies)
        if origin is None:
            return super().send(request, **options)
        token = self._source.token()

        def send(token: Token) -> requests.Response:
            signed = request.copy()
            signed.headers = request.headers.copy()
            sign(signed.headers, token, origin)
            try:
                response = HTTPAdapter.send(self, signed, **options)
            except requests.RequestException as e:
                # The frames below have the token, and verbose tracebacks show what frames have.
                e.request, e.__context__ = request, None
                raise e.with_traceback(None) from None
            response.request = request
            return response

        return follow_up(token, origin, send(token), send)

    def _check(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> Origin | None:
        """Returns the origin that a request is for if it may see the token. None is for others on a redirect."""
        origin = origin_of(request.url or "")
        last: Origin | None = getattr(self._call, "last", None)
        self._call.last = origin
        listed: frozenset[Origin] = getattr(self._call, "origins", self._origins)
        _iap.check_downgrade(last, origin)
        if origin not in listed:
            if last is not None:
                return None
            raise _iap.not_listed(origin, listed)
        host = request.headers.get("Host")
        _iap.check_host(_text(host) if host else None, origin, listed)
        if origin.scheme == "http" and select_proxy(request.url or "", dict(proxies or {})):
            raise _proxies.clear_text(origin)
        return origin


def _text(header: str | bytes) -> str:
    return header if isinstance(header, str) else header.decode("latin-1")


class IAPAuth(AuthBase):
    """Signs requests to services behind IAP: ``requests.get(url, auth=IAPAuth("https://app.example.com"))``.

    The token goes to the origins that are named and to no other, redirects among them; a request to another one is an
    OriginError. Where a request has an Authorization of its own, the token goes into Proxy-Authorization. A token that
    IAP refuses is renewed once. The answer's ``request`` has the token in its headers, and frames of verbose tracebacks
    may have it, neither of which is so with IAPClient. It may be used by any number of threads, and pickled.

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
        return f"IAPAuth({', '.join(repr(str(o)) for o in sorted(self._origins))})"

    def __reduce__(self) -> Any:
        return _auth, (tuple(map(str, sorted(self._origins))), self._source.given)

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        origin = origin_of(r.url or "")
        if origin not in self._origins:
            raise _iap.not_listed(origin, self._origins)
        _proxies.check(origin)
        token = self._source.token()
        header = sign(r.headers, token, origin)
        body = r.body
        if body is not None and not isinstance(body, (str, bytes)) and isinstance(body, io.IOBase) and body.seekable():
            r._body_position = body.tell()
        r.register_hook("response", _Hook(self._origins, token, header))
        return r


def _auth(origins: Iterable[str], auth_manager: Any | None) -> IAPAuth:
    return IAPAuth(*origins, auth_manager=auth_manager)


class _Hook:
    """Looks at the answers to one request that IAPAuth signed, and to those that its redirects lead to."""

    def __init__(self, origins: frozenset[Origin], token: Token, header: str) -> None:
        self._origins = origins
        self._token = token
        self._header = header

    def __call__(self, response: requests.Response, **options: Any) -> requests.Response:
        request = response.request
        origin = origin_of(request.url or "")
        if origin not in self._origins or _verdict(response, self._token) == ACCEPTED:
            return response

        def send(token: Token) -> requests.Response:
            self._token = token
            again = request.copy()
            again.headers[self._header] = token.bearer()
            connection: Any = response.connection
            answer: requests.Response = connection.send(again, **options)
            answer.history.append(response)
            answer.request = again
            return answer

        # On a redirect, requests leaves Proxy-Authorization out, and puts what a .netrc has into Authorization.
        if request.headers.get(self._header) != self._token.bearer() and rewound(request):
            response = send(self._token)
        return follow_up(self._token, origin, response, send)


_adapters: weakref.WeakSet[IAPAdapter] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """Connections are the parent's: two processes that speak on one get each other's answers."""
    for adapter in _adapters:
        adapter.init_poolmanager(adapter._pool_connections, adapter._pool_maxsize, block=adapter._pool_block)
        adapter.proxy_manager = {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
