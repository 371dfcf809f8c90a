"""The auth objects for requests, httpx, httpx2 and aiohttp, the transport, and the client for asyncio."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
from conftest import EMAIL, MARKED, Answer, Emulator, Request, Service, ok, stale

from tokentoss import (
    AiohttpIAPMiddleware,
    AsyncIAPClient,
    HttpxIAPAuth,
    IAPAuth,
    IAPRefusedError,
    IAPTransport,
    OriginError,
)

Make = Callable[[Answer], Service]


def refusing_the_first(seen: list[str]) -> Answer:
    """Returns an answer that refuses the first token that it sees, and echoes for others."""

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        seen.append(request.token)
        return stale(request) if request.token == seen[0] else (200, {}, request.body)

    return answer


# requests.


def test_requests(signed_in: Emulator, service: Make) -> None:
    auth = IAPAuth(signed_in.iap)
    assert requests.get(signed_in.iap + "/whoami", auth=auth, timeout=30).json()["email"] == EMAIL
    assert EMAIL not in repr(auth) and signed_in.iap in repr(auth)
    with requests.Session() as session:
        session.auth = auth
        assert session.post(signed_in.iap + "/echo", json={}).ok
    other = service(ok)
    with pytest.raises(OriginError):
        requests.get(other.url, auth=auth, timeout=30)
    assert other.requests == []
    with pytest.raises(OriginError):
        IAPAuth()


def test_requests_renews(signed_in: Emulator, service: Make) -> None:
    seen: list[str] = []
    here = service(refusing_the_first(seen))
    body = io.BytesIO(b"skipped body")
    body.seek(8)
    answer = requests.post(here.url, data=body, auth=IAPAuth(here.url), timeout=30)
    assert answer.content == b"body" and [h.status_code for h in answer.history] == [401]
    assert len(seen) == 2 and seen[0] != seen[1]


def test_requests_refused(signed_in: Emulator, service: Make) -> None:
    here = service(lambda _: (403, MARKED, b""))
    answer = requests.get(here.url, auth=IAPAuth(here.url), timeout=30)
    with pytest.raises(IAPRefusedError, match="no access"):
        answer.raise_for_status()
    page = service(ok)
    there = service(lambda _: (302, {"Location": page.url, **MARKED}, b""))
    with pytest.raises(IAPRefusedError):
        requests.get(there.url, auth=IAPAuth(there.url), timeout=30)
    assert page.requests == []


def test_requests_redirects(signed_in: Emulator, service: Make) -> None:
    other = service(ok)

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path in ("/other", "/here"):
            return 302, {"Location": other.url if request.path == "/other" else "/landed"}, b""
        signed = request.token or request.headers.get("Proxy-Authorization")
        return ok(request) if signed else stale(request)

    here = service(answer)
    auth = IAPAuth(here.url)
    assert requests.get(here.url + "/other", auth=auth, timeout=30).ok
    assert not other.requests[0].token and "Proxy-Authorization" not in other.requests[0].headers
    assert requests.get(here.url + "/here", auth=auth, timeout=30).ok
    assert len(here.requests) == 3
    mine = {"Authorization": "Basic mine"}
    assert requests.get(here.url + "/here", headers=mine, auth=auth, timeout=30).ok
    assert requests.get(here.url + "/other", headers=mine, auth=auth, timeout=30).ok
    assert "Proxy-Authorization" not in other.requests[1].headers


# httpx.


def test_httpx(signed_in: Emulator, service: Make) -> None:
    auth = HttpxIAPAuth(signed_in.iap)
    assert httpx.get(signed_in.iap + "/whoami", auth=auth).json()["email"] == EMAIL
    other = service(ok)
    with pytest.raises(OriginError):
        httpx.get(other.url, auth=auth)
    seen: list[str] = []
    here = service(refusing_the_first(seen))
    assert httpx.post(here.url, content=b"body", auth=HttpxIAPAuth(here.url)).content == b"body"
    assert len(seen) == 2


@pytest.mark.parametrize("follow", [True, False])
def test_httpx_refused(signed_in: Emulator, service: Make, follow: bool) -> None:
    page = service(ok)
    there = service(lambda _: (302, {"Location": page.url, **MARKED}, b""))
    with pytest.raises(IAPRefusedError) as caught:
        httpx.get(there.url, auth=HttpxIAPAuth(there.url), follow_redirects=follow)
    assert isinstance(caught.value, httpx.HTTPStatusError)
    assert not [r for r in page.requests if r.token]
    no = service(lambda _: (403, MARKED, b""))
    with pytest.raises(IAPRefusedError):
        httpx.get(no.url, auth=HttpxIAPAuth(no.url)).raise_for_status()


def test_httpx_async(signed_in: Emulator, service: Make) -> None:
    seen: list[str] = []
    here = service(refusing_the_first(seen))

    async def run() -> None:
        async with httpx.AsyncClient(auth=HttpxIAPAuth(here.url, signed_in.iap)) as client:
            assert (await client.get(signed_in.iap + "/whoami")).json()["email"] == EMAIL
            assert (await client.post(here.url, content=b"body")).content == b"body"

    asyncio.run(run())
    assert len(seen) == 2


# The client for asyncio.


def test_async_client(signed_in: Emulator) -> None:
    async def run() -> None:
        async with AsyncIAPClient(base_url=signed_in.iap) as client:
            assert (await client.get_json("/whoami"))["email"] == EMAIL
            assert (await client.post_json("/echo", {"name": "test"}))["method"] == "POST"
            for method in (client.put, client.patch, client.delete):
                assert (await method("/echo")).status_code == 200
            answers = await asyncio.gather(*(client.get("/whoami") for _ in range(20)))
            assert {a.json()["email"] for a in answers} == {EMAIL}

    asyncio.run(run())


def test_async_client_where_the_token_goes(signed_in: Emulator, service: Make) -> None:
    other = service(ok)

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path in ("/other", "/here"):
            return 302, {"Location": other.url if request.path == "/other" else "/landed"}, b""
        return ok(request)

    here = service(answer)

    async def run() -> None:
        async with AsyncIAPClient(base_url=here.url) as client:
            with pytest.raises(OriginError):
                await client.get(other.url)
            assert other.requests == []
            for headers in ({}, {"Authorization": "Basic mine"}):
                redirected = await client.get("/other", headers=headers)
                assert [h.status_code for h in redirected.history] == [302]
                last = other.requests[-1]
                assert not last.token and "Proxy-Authorization" not in last.headers
            landed = await client.get("/here", headers={"Authorization": "Basic mine"})
            assert landed.json() == {"ok": True}
            assert here.requests[-1].headers["Proxy-Authorization"].startswith("Bearer ey")
            token = here.requests[0].token
            assert token
            for request in (landed.request, landed.history[0].request):
                assert not [v for v in request.headers.values() if token in v]
            await client.get("/", auth=("me", "mine"))
            assert here.requests[-1].headers["Authorization"].startswith("Basic")
            assert here.requests[-1].headers["Proxy-Authorization"].startswith("Bearer ey")
            with pytest.raises(OriginError, match="Host"):
                await client.get("/", headers={"Host": "other.example.com"})
            assert (await client.get("/here", follow_redirects=False)).status_code == 302
        async with AsyncIAPClient() as client:
            assert (await client.get_json(here.url + "/x")) == {"ok": True}
            await client.get(here.url + "/other")
            assert not other.requests[-1].token

    asyncio.run(run())


def test_async_client_refused(signed_in: Emulator, service: Make) -> None:
    seen: list[str] = []
    renewing = service(refusing_the_first(seen))
    never = service(stale)
    no = service(lambda _: (403, MARKED, b"Error code 7"))
    page = service(lambda _: (302, {"Location": "/sign-in", **MARKED}, b""))
    own = service(lambda _: (403, {}, b"mine"))

    async def refused(url: str) -> IAPRefusedError:
        async with AsyncIAPClient(base_url=url) as client:
            with pytest.raises(IAPRefusedError) as caught:
                await client.get_json("/")
            return caught.value

    async def run() -> None:
        async with AsyncIAPClient(base_url=renewing.url) as client:
            assert (await client.post("/", content=b"body")).content == b"body"
        assert len(seen) == 2
        assert (await refused(never.url)).status_code == 401
        assert (await refused(no.url)).email == EMAIL
        assert (await refused(page.url)).status_code == 302
        async with AsyncIAPClient(base_url=own.url) as client:
            assert (await client.get("/")).text == "mine"

            async def once() -> Any:
                yield b"once"

        async with AsyncIAPClient(base_url=never.url) as client:
            assert (await client.post("/", content=once())).status_code == 401

    asyncio.run(run())
    assert own.requests[0].token and len(own.requests) == 1


def test_async_client_does_not_hold_up_others(signed_in: Emulator) -> None:
    """The first token takes a start of the executable; other tasks go on meanwhile."""
    from tokentoss import _rpc

    async def run() -> int:
        _rpc.stop()
        turns = 0
        async with AsyncIAPClient(base_url=signed_in.iap) as client:
            call = asyncio.create_task(client.get("/whoami"))
            while not call.done():
                await asyncio.sleep(0)
                turns += 1
            assert call.result().status_code == 200
        return turns

    assert asyncio.run(run()) > 10


# Transports, and the own Authorization of a request.


def forwarding(other: Service) -> Answer:
    """Returns an answer that redirects within the origin and to another, and wants a token everywhere."""

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        if not (request.token.startswith("ey") or "Proxy-Authorization" in request.headers):
            return stale(request)
        if request.path in ("/other", "/here"):
            return 302, {"Location": other.url if request.path == "/other" else "/landed"}, b""
        return ok(request)

    return answer


LIBRARIES = [httpx, httpx2]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("way", ["auth", "transport"])
@pytest.mark.parametrize("mine", [{}, {"Authorization": "Bearer of-the-caller"}])
def test_own_authorization_stays(
    signed_in: Emulator, service: Make, library: Any, way: str, mine: dict[str, str]
) -> None:
    """Clients such as openai's send a key in Authorization; the token goes into Proxy-Authorization, and no further."""
    other = service(ok)
    here = service(forwarding(other))
    part = {"auth": HttpxIAPAuth(here.url)} if way == "auth" else {"transport": IAPTransport(here.url)}
    with library.Client(follow_redirects=True, headers=mine, **part) as client:
        assert client.get(here.url + "/here").json() == {"ok": True}
        answer = client.get(here.url + "/other")
        assert answer.json() == {"ok": True}
        own = mine.get("Authorization")
        for request in here.requests:
            if "Proxy-Authorization" in request.headers or request.token.startswith("ey"):
                assert request.headers["Authorization"] == own or not own
        token = here.requests[0].headers["Proxy-Authorization" if own else "Authorization"].removeprefix("Bearer ")
        assert token.startswith("ey")
        assert not [v for r in other.requests for v in r.headers.values() if token in v]
        if way == "transport" or own:
            assert not [v for r in (answer, *answer.history) for v in r.request.headers.values() if token in v]


@pytest.mark.parametrize("library", LIBRARIES)
def test_transport(signed_in: Emulator, service: Make, library: Any) -> None:
    seen: list[str] = []
    renewing, never, other = service(refusing_the_first(seen)), service(stale), service(ok)
    page = service(lambda _: (302, {"Location": other.url, **MARKED}, b""))
    own = library.Client(headers={"X-Of": "nobody"})
    transport = IAPTransport(signed_in.iap, renewing.url, never.url, page.url, client=own)
    with library.Client(transport=transport) as client:
        assert client.get(signed_in.iap + "/whoami").json()["email"] == EMAIL
        assert client.post(renewing.url, content=b"body").content == b"body" and len(seen) == 2
        with client.stream("GET", signed_in.iap + "/whoami") as answer:
            assert EMAIL.encode() in b"".join(answer.iter_bytes())
        answer = client.get(never.url)
        with pytest.raises(library.HTTPStatusError) as caught:
            answer.raise_for_status()
        assert answer.status_code == 401 and isinstance(caught.value, IAPRefusedError)
        with pytest.raises(IAPRefusedError):
            client.get(page.url, follow_redirects=True)
        with pytest.raises(OriginError):
            client.get(other.url)
        assert client.post(never.url, content=iter([b"once"])).status_code == 401
        with pytest.raises(library.ConnectError) as refused:
            library.Client(transport=IAPTransport("http://127.0.0.1:9")).get("http://127.0.0.1:9")
        assert "Bearer" not in str(refused.value.request.headers)
    assert other.requests == [] and own.is_closed
    with pytest.raises(OriginError):
        IAPTransport()


@pytest.mark.parametrize("library", LIBRARIES)
def test_transport_async(signed_in: Emulator, service: Make, library: Any) -> None:
    seen: list[str] = []
    renewing = service(refusing_the_first(seen))

    async def run() -> None:
        transport = IAPTransport(signed_in.iap, renewing.url)
        async with library.AsyncClient(transport=transport) as client:
            assert (await client.get(signed_in.iap + "/whoami")).json()["email"] == EMAIL
            assert (await client.post(renewing.url, content=b"body")).content == b"body"
        async with library.AsyncClient(auth=HttpxIAPAuth(signed_in.iap)) as client:
            assert (await client.get(signed_in.iap + "/whoami")).json()["email"] == EMAIL
        given = library.AsyncClient(headers={"X-Of": "mine"}, cookies={"c": "1"})
        async with AsyncIAPClient(base_url=renewing.url, http_client=given) as mine:
            await mine.get("/")
        assert given.is_closed
        with pytest.raises(TypeError, match="AsyncClient"):
            await library.AsyncClient(transport=IAPTransport(renewing.url, client=library.Client())).get(renewing.url)

    asyncio.run(run())
    assert len(seen) == 3 and renewing.requests[-1].headers["X-Of"] == "mine"
    assert renewing.requests[-1].headers["Cookie"] == "c=1"


# aiohttp.


def test_aiohttp(signed_in: Emulator, service: Make) -> None:
    seen: list[str] = []
    other = service(ok)
    renewing, here, never = service(refusing_the_first(seen)), service(forwarding(other)), service(stale)
    page = service(lambda _: (302, {"Location": other.url, **MARKED}, b""))
    middleware = AiohttpIAPMiddleware(signed_in.iap, renewing.url, here.url, never.url, page.url)
    assert signed_in.iap in repr(middleware)

    async def run() -> None:
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:
            async with session.get(signed_in.iap + "/whoami") as answer:
                assert (await answer.json())["email"] == EMAIL
                assert "Bearer" not in repr(answer.request_info)
            async with session.post(renewing.url, data=b"body") as answer:
                assert await answer.read() == b"body"
            for mine in ({}, {"Authorization": "Bearer of-the-caller"}):
                for path in ("/here", "/other"):
                    async with session.get(here.url + path, headers=mine) as answer:
                        assert await answer.json(content_type=None) == {"ok": True}
            async with session.get(never.url) as answer:
                assert answer.status == 401
                with pytest.raises(IAPRefusedError, match="refused") as caught:
                    answer.raise_for_status()
                assert isinstance(caught.value, aiohttp.ClientResponseError) and caught.value.status == 401
            with pytest.raises(IAPRefusedError):
                await session.get(page.url)
            async with session.get(other.url) as answer:
                assert answer.ok

            async def once() -> Any:
                yield b"once"

            async with session.post(never.url, data=once()) as answer:
                assert answer.status == 401

    asyncio.run(run())
    assert len(seen) == 2 and never.requests[-1].body == b"once"
    assert not [r for r in other.requests if "Proxy-Authorization" in r.headers or r.token.startswith("ey")]
    with pytest.raises(OriginError):
        AiohttpIAPMiddleware()
