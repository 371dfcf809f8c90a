"""IAPClient: where the token goes, and what IAP's answers come to."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import pytest
import requests
from conftest import EMAIL, MARKED, Answer, Emulator, Request, Service, ok, stale

import tokentoss
from tokentoss import IAPClient, IAPRefusedError, NoCredentialsError, OriginError

Make = Callable[[Answer], Service]


def test_quick_start(signed_in: Emulator) -> None:
    with IAPClient(base_url=signed_in.iap) as client:
        assert client.get_json("/whoami")["email"] == EMAIL
        assert client.get("whoami").status_code == 200
        for method in (client.post, client.put, client.patch, client.delete):
            answer = method("/echo", json={"name": "test"})
            assert answer.status_code == 200, answer.text
        assert client.post_json("/echo", {"name": "test"})["method"] == "POST"
        assert client.get(signed_in.iap + "/whoami").ok


def test_absolute_address_is_its_own_origin(signed_in: Emulator) -> None:
    client = IAPClient()
    assert client.get_json(signed_in.iap + "/whoami")["email"] == EMAIL
    with pytest.raises(ValueError, match="requires a base_url"):
        client.get("/whoami")


def test_other_origins_are_refused(signed_in: Emulator, service: Make) -> None:
    other = service(ok)
    client = IAPClient(base_url=signed_in.iap)
    with pytest.raises(OriginError, match="nothing was sent") as caught:
        client.get(other.url + "/")
    assert "origins=" in (caught.value.hint or "")
    assert other.requests == []
    assert IAPClient(base_url=signed_in.iap, origins=[other.url]).get_json(other.url + "/") == {"ok": True}
    assert other.requests[0].token


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.com",
        "ftp://app.example.com",
        "https://user:pw@app.example.com",
        "https://*.example.com",
        "https://äpp.example.com",
        "app.example.com",
        "https://",
    ],
)
def test_no_service_for_a_token(url: str) -> None:
    with pytest.raises(OriginError):
        IAPClient(base_url=url)


def test_http_to_loopback_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    IAPClient(base_url="http://127.0.0.1:1")
    monkeypatch.delenv("TOKENTOSS_INSECURE_LOOPBACK")
    with pytest.raises(OriginError, match="not https"):
        IAPClient(base_url="http://127.0.0.1:1")


def test_token_does_not_follow_a_redirect_to_another_origin(signed_in: Emulator, service: Make) -> None:
    other = service(ok)
    here = service(lambda r: (302, {"Location": other.url + "/landed"}, b"") if r.path == "/go" else ok(r))
    answer = IAPClient(base_url=here.url).get("/go")
    assert answer.json() == {"ok": True}
    assert here.requests[0].token
    assert not other.requests[0].token
    assert "Proxy-Authorization" not in other.requests[0].headers
    IAPClient().get(here.url + "/go")  # whose origin is that of the address, not of where it leads
    assert not other.requests[1].token


def test_token_is_on_redirects_within_the_origin(signed_in: Emulator, service: Make) -> None:
    here = service(lambda r: (302, {"Location": "/landed"}, b"") if r.path == "/go" else ok(r))
    answer = IAPClient(base_url=here.url).get("/go", headers={"Authorization": "Basic mine"})
    assert [h.status_code for h in answer.history] == [302]
    for request in here.requests:
        assert request.headers["Authorization"] == "Basic mine"
        assert request.headers["Proxy-Authorization"].startswith("Bearer ey")


def test_requests_are_left_as_they_were(signed_in: Emulator, service: Make) -> None:
    here = service(ok)
    mine = {"X-Mine": "1"}
    answer = IAPClient(base_url=here.url).get("/", headers=mine)
    assert mine == {"X-Mine": "1"}
    assert here.requests[0].headers["X-Requested-With"] == "XMLHttpRequest"
    token = here.requests[0].token
    assert token
    for name, value in answer.request.headers.items():
        assert token not in str(value), name


def test_netrc_does_not_take_the_place_of_the_token(
    signed_in: Emulator, service: Make, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    here = service(lambda r: (302, {"Location": "/landed"}, b"") if r.path == "/go" else ok(r))
    client = IAPClient(base_url=here.url)
    client.get("/go")
    client.get("/go", headers={"Authorization": "Basic mine"})
    client.get("/go", auth=("me", "mine"))
    own = [r.headers["Authorization"] for r in here.requests]
    assert [a.split()[0] for a in own[:2]] == ["Bearer", "Bearer"]
    assert own[2:4] == ["Basic mine"] * 2 and own[4] == own[5] == "Basic bWU6bWluZQ=="
    for request in here.requests[2:]:
        assert request.headers["Proxy-Authorization"].startswith("Bearer ey")
    other = service(ok)
    leading = service(lambda _: (302, {"Location": other.url}, b""))
    IAPClient(base_url=leading.url).get("/")
    assert "Authorization" not in other.requests[0].headers, "not even where a redirect leads"


def test_stale_token_is_renewed_once(signed_in: Emulator, service: Make) -> None:
    first: list[str] = []

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        first.append(request.token)
        return stale(request) if request.token == first[0] else (200, {}, request.body)

    here = service(answer)
    assert IAPClient(base_url=here.url).post("/", data=b"body").content == b"body"
    assert len(here.requests) == 2 and first[0] != first[1]


def test_sign_in_page_is_no_answer(signed_in: Emulator, service: Make) -> None:
    page = service(lambda _: (200, {}, b"<html>Sign in"))
    here = service(lambda _: (302, {"Location": page.url, **MARKED}, b""))
    with pytest.raises(IAPRefusedError) as caught:
        IAPClient(base_url=here.url).get("/")
    assert caught.value.status_code == 302 and caught.value.renewed
    assert len(here.requests) == 2 and page.requests == []
    assert isinstance(caught.value, requests.HTTPError)


def test_sign_in_page_of_google_is_known_without_a_marker(signed_in: Emulator, service: Make) -> None:
    here = service(lambda _: (302, {"Location": "https://accounts.google.com/o/oauth2/v2/auth?x=y"}, b""))
    with pytest.raises(IAPRefusedError):
        IAPClient(base_url=here.url).get("/")


def test_sign_in_page_of_the_issuer(signed_in: Emulator, service: Make) -> None:
    """A guard such as oauth2-proxy sends a browser to the issuer; a renewed token is tried before that is an error."""
    page = signed_in.google + "/authorize?client_id=of-the-guard&response_type=code"
    first: list[str] = []

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        first.append(request.token)
        stays = request.path == "/always" or request.token == first[0]
        return (302, {"Location": page}, b"") if stays else ok(request)

    here = service(answer)
    client = IAPClient(base_url=here.url)
    assert client.get_json("/") == {"ok": True}
    with pytest.raises(IAPRefusedError) as caught:
        client.get("/always")
    assert caught.value.status_code == 302


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "http://bob:Winter@2026snow#x@proxy.corp.example:3128"),
        ("https_proxy", "http://bob:Win/ter2026snow@proxy.corp.example:3128"),
        ("ALL_PROXY", "http://bob:Winter2026?snow@proxy.corp.example:3128"),
        ("HTTPS_PROXY", "bob:Winter2026\\snow@proxy.corp.example:3128"),
        ("HTTPS_PROXY", "http://bob:Winter2026@proxy.corp.example:snow"),
        ("HTTPS_PROXY", "http://bob:Winter2026@[snow"),
        ("HTTPS_PROXY", "http://bob:Winter2026 snow@proxy.corp.example"),
        ("all_proxy", "http://bob:Winter2026@snow/@proxy.corp.example:99999"),
    ],
)
def test_proxy_that_cannot_be_read(
    signed_in: Emulator, service: Make, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The error names the variable; neither it nor its traceback has a part of the password."""
    import asyncio
    import traceback

    import httpx

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(variable, value)
    url = "https://app.example.com"
    IAPClient(base_url=service(ok).url).get("/")  # which it is not for

    async def awaited() -> Any:
        async with tokentoss.AsyncIAPClient(base_url=url) as client:
            await client.get("/")

    for call in (
        lambda: IAPClient(base_url=url).get("/"),
        lambda: requests.get(url, auth=tokentoss.IAPAuth(url), timeout=5),
        lambda: httpx.Client(transport=tokentoss.IAPTransport(url)).get(url),
        lambda: asyncio.run(awaited()),
    ):
        with pytest.raises(tokentoss.ConfigurationError, match=variable) as caught:
            call()
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        text = "".join(line for line in shown if "test_client" not in line)
        assert "Winter" not in text and "snow" not in text and "%40" in (caught.value.hint or "")


def test_proxy_of_a_call_that_cannot_be_read(signed_in: Emulator) -> None:
    with pytest.raises(tokentoss.ConfigurationError, match="proxies=") as caught:
        IAPClient(base_url="https://app.example.com").get("/", proxies={"https": "http://u:Win#ter@proxy.example"})
    assert "Win" not in str(caught.value)


def test_refused_for_good(signed_in: Emulator, service: Make) -> None:
    here = service(stale)
    client = IAPClient(base_url=here.url)
    answer = client.get("/")
    assert answer.status_code == 401 and len(here.requests) == 2
    with pytest.raises(IAPRefusedError, match="also after renewing") as caught:
        answer.raise_for_status()
    assert caught.value.reason == "Expired JWT"
    assert "allowlist" in (caught.value.hint or "")
    with pytest.raises(requests.HTTPError):
        client.get_json("/")
    assert len(here.requests) == 3, "what was renewed moments ago is not renewed again"


def test_no_access(signed_in: Emulator, service: Make) -> None:
    here = service(lambda _: (403, MARKED, b"You don't have access. Error code 7"))
    client = IAPClient(base_url=here.url)
    assert client.get("/").status_code == 403
    with pytest.raises(IAPRefusedError) as caught:
        client.get_json("/")
    e = caught.value
    assert (e.email, e.iap_code, e.origin, e.renewed) == (EMAIL, 7, here.url, False)
    assert f"{EMAIL} has no access to {here.url}" in str(e) and "roles/iap.httpsResourceAccessor" in str(e)
    assert len(here.requests) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_own_refusals_of_the_service(signed_in: Emulator, service: Make, status: int) -> None:
    here = service(lambda _: (status, {}, b"mine"))
    answer = IAPClient(base_url=here.url).get("/")
    assert answer.status_code == status and answer.text == "mine" and len(here.requests) == 1
    with pytest.raises(requests.HTTPError) as caught:
        answer.raise_for_status()
    assert not isinstance(caught.value, IAPRefusedError)


def test_own_redirect_of_the_service(signed_in: Emulator, service: Make) -> None:
    here = service(lambda _: (302, {"Location": "/x"}, b""))
    answer = IAPClient(base_url=here.url).get("/", allow_redirects=False)
    assert answer.status_code == 302 and len(here.requests) == 1


def test_bodies_are_sent_again_only_where_that_is_possible(signed_in: Emulator, service: Make) -> None:
    seen: list[str] = []

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        seen.append(request.token)
        return stale(request) if len(seen) == 1 else (200, {}, request.body)

    here = service(answer)
    client = IAPClient(base_url=here.url)
    f = io.BytesIO(b"skipped file")
    f.seek(8)
    assert client.post("/", data=f).content == b"file"
    assert len(here.requests) == 2


@pytest.mark.parametrize(("answer", "error"), [(401, False), (302, True)])
def test_a_body_that_cannot_be_sent_again(signed_in: Emulator, service: Make, answer: int, error: bool) -> None:
    here = service(lambda _: (answer, {"Location": "/sign-in", **MARKED}, b""))
    client = IAPClient(base_url=here.url)
    if error:
        with pytest.raises(IAPRefusedError) as caught:
            client.post("/", data=iter([b"on", b"ce"]))
        assert "sent twice" in (caught.value.hint or "")
    else:
        assert client.post("/", data=iter([b"on", b"ce"])).status_code == 401
    assert len(here.requests) == 1 and here.requests[0].body == b"once"


def test_forward_proxy_does_not_see_the_token(
    signed_in: Emulator, service: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = service(ok)
    here = service(ok)
    with pytest.raises(OriginError, match="forward proxy"):
        IAPClient(base_url=here.url).get("/", proxies={"http": proxy.url})
    assert proxy.requests == [] and here.requests == []


def test_host_header_cannot_lead_elsewhere(signed_in: Emulator, service: Make) -> None:
    here = service(ok)
    with pytest.raises(OriginError, match="Host header"):
        IAPClient(base_url=here.url).get("/", headers={"Host": "other.example.com"})
    assert here.requests == []


def test_nobody_is_signed_in(configured: Emulator, service: Make) -> None:
    here = service(ok)
    with pytest.raises(NoCredentialsError) as caught:
        IAPClient(base_url=here.url).get("/")
    assert caught.value.hint and here.requests == []


def test_discovery(signed_in: Emulator, service: Make, home: Any) -> None:
    """The auth manager that is given, then CREDENTIALS, then the profile's session, or that of TOKENTOSS_TOKEN_FILE."""

    class Given:
        id_token = "of-the-given"
        expired = False

    here = service(ok)
    client = IAPClient(base_url=here.url)
    client.get("/")
    of_profile = here.requests[-1].token
    assert of_profile.startswith("ey")
    tokentoss.CREDENTIALS = Given()
    client.get("/")
    assert here.requests[-1].token == "of-the-given"
    IAPClient(base_url=here.url, auth_manager=tokentoss.AuthManager()).get("/")
    assert here.requests[-1].token == of_profile
    tokentoss.CREDENTIALS = None
    client.get("/")
    assert here.requests[-1].token == of_profile


def test_token_file(signed_in: Emulator, tmp_path: Any, home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = tmp_path / "elsewhere.json"
    os.rename(home / "tokens.json", moved)
    with pytest.raises(NoCredentialsError):
        IAPClient(base_url=signed_in.iap).get("/whoami")
    monkeypatch.setenv("TOKENTOSS_TOKEN_FILE", str(moved))
    assert IAPClient(base_url=signed_in.iap).get_json("/whoami")["email"] == EMAIL


def test_foreign_credentials_are_refreshed(configured: Emulator, service: Make) -> None:
    class Foreign:
        id_token = "old"
        expired = False

        def refresh_tokens(self) -> None:
            self.id_token = "new"

    here = service(lambda r: stale(r) if r.token == "old" else ok(r))
    assert IAPClient(base_url=here.url, auth_manager=Foreign()).get_json("/") == {"ok": True}  # type: ignore[arg-type]


def test_timeout(signed_in: Emulator, service: Make) -> None:
    import threading

    release = threading.Event()

    def slow(request: Request) -> tuple[int, dict[str, str], bytes]:
        release.wait(20)
        return ok(request)

    here = service(slow)
    try:
        with pytest.raises(requests.Timeout):
            IAPClient(base_url=here.url, timeout=0.2).get("/")
    finally:
        release.set()
