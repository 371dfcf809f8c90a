"""The auth objects for requests and httpx, and the client for asyncio."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import requests
from conftest import EMAIL, MARKED, Answer, Emulator, Request, Service, ok, stale

from tokentoss import AsyncIAPClient, HttpxIAPAuth, IAPAuth, IAPRefusedError, OriginError

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
    with pytest.raises(OriginError, match="Authorization"):
        httpx.get(signed_in.iap, auth=auth, headers={"Authorization": "mine"})
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
    """The first token takes a start of the engine; other tasks go on meanwhile."""
    from tokentoss import _engine

    async def run() -> int:
        _engine.stop()
        turns = 0
        async with AsyncIAPClient(base_url=signed_in.iap) as client:
            call = asyncio.create_task(client.get("/whoami"))
            while not call.done():
                await asyncio.sleep(0)
                turns += 1
            assert call.result().status_code == 200
        return turns

    assert asyncio.run(run()) > 10
