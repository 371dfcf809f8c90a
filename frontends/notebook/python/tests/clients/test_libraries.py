"""Other people's libraries, reaching a service behind IAP for longer than a token lives."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import EMAIL, Answer, Emulator, Request, Service, login

import tokentoss

LIFETIME = 8  # seconds


class Guarded:
    """A service behind an emulator's IAP, whose tokens expire soon."""

    def __init__(self, directory: Path, answer: Answer) -> None:
        self.service = Service(answer)
        self.emulator = Emulator(directory, f"{LIFETIME}s", upstream=self.service.url)
        self.url = self.emulator.iap
        tokentoss.configure(path=self.emulator.client_file)
        login()

    def over_an_expiry(self, call: Callable[[], Any]) -> None:
        """Makes a call, waits until the token of it is of no use, and makes it again."""
        call()
        first = tokentoss.AuthManager().token_data
        assert first is not None
        time.sleep(max(0.0, first.expiry_datetime.timestamp() + 1 - time.time()))
        call()
        assert len(self.service.requests) >= 2, "the service was reached"
        assertions = {r.headers["X-Goog-IAP-JWT-Assertion"] for r in self.service.requests}
        assert len(assertions) >= 2 and None not in assertions, "IAP let them through, each by a token of its time"

    def close(self) -> None:
        self.emulator.close()
        self.service.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Callable[[Answer], Guarded]]:
    made: list[Guarded] = []

    def make(answer: Answer) -> Guarded:
        (tmp_path / "emulator").mkdir()
        made.append(Guarded(tmp_path / "emulator", answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


Make = Callable[[Answer], Guarded]


def check(right: bool) -> None:
    assert right


def answering(**documents: Any) -> Answer:
    """Returns an answer that gives a document, by the end of the path."""

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        name = request.path.partition("?")[0].rpartition("/")[2]
        if name not in documents:
            return 404, {}, f"nothing at {request.path}".encode()
        return 200, {"Content-Type": "application/json"}, json.dumps(documents[name]).encode()

    return answer


MODELS = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "me"}]}


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_openai(guarded: Make, library: str) -> None:
    httpx = pytest.importorskip(library)
    openai = pytest.importorskip("openai")
    g = guarded(answering(models=MODELS))
    http_client = httpx.Client(transport=tokentoss.IAPTransport(g.url))
    client = openai.OpenAI(base_url=g.url + "/v1", api_key="sk-own", http_client=http_client)
    g.over_an_expiry(lambda: check(client.models.list().data[0].id == "m"))
    assert {r.headers["Authorization"] for r in g.service.requests} == {"Bearer sk-own"}


def test_openai_async(guarded: Make) -> None:
    httpx2 = pytest.importorskip("httpx2")
    openai = pytest.importorskip("openai")
    g = guarded(answering(models=MODELS))

    async def run() -> None:
        http_client = httpx2.AsyncClient(auth=tokentoss.HttpxIAPAuth(g.url))
        async with openai.AsyncOpenAI(base_url=g.url + "/v1", api_key="sk-own", http_client=http_client) as client:
            assert (await client.models.list()).data[0].id == "m"

    g.over_an_expiry(lambda: asyncio.run(run()))
    assert {r.headers["Authorization"] for r in g.service.requests} == {"Bearer sk-own"}


def test_mlflow(guarded: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = {"experiment_id": "7", "name": "mine", "artifact_location": "", "lifecycle_stage": "active"}
    g = guarded(answering(get={"experiment": experiment}))
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "tokentoss")
    mlflow.set_tracking_uri(g.url)
    g.over_an_expiry(lambda: check(mlflow.get_experiment("7").name == "mine"))


def test_httpie(guarded: Make) -> None:
    pytest.importorskip("httpie")
    g = guarded(answering(data={"ok": True}))

    def call() -> None:
        command = [sys.executable, "-m", "httpie", "--ignore-stdin", "--check-status", "--auth-type", "tokentoss"]
        done = subprocess.run([*command, g.url + "/data"], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and json.loads(done.stdout) == {"ok": True}, done.stderr

    g.over_an_expiry(call)


def test_kfp(guarded: Make) -> None:
    kfp = pytest.importorskip("kfp")
    from tokentoss.kfp import IAPCredentials

    pipelines = {"pipelines": [{"pipeline_id": "p", "display_name": "mine"}], "total_size": 1}
    g = guarded(answering(pipelines=pipelines, healthz={"multi_user": False}))
    client = kfp.Client(host=g.url, credentials=IAPCredentials())
    g.over_an_expiry(lambda: check(client.list_pipelines().pipelines[0].display_name == "mine"))


@pytest.mark.parametrize("transport", ["requests", "httpx"])
def test_gql(guarded: Make, transport: str) -> None:
    gql = pytest.importorskip("gql")
    from gql.transport.httpx import HTTPXTransport
    from gql.transport.requests import RequestsHTTPTransport

    g = guarded(answering(graphql={"data": {"me": EMAIL}}))
    if transport == "requests":
        over: Any = RequestsHTTPTransport(url=g.url + "/graphql", auth=tokentoss.IAPAuth(g.url))
    else:
        over = HTTPXTransport(url=g.url + "/graphql", auth=tokentoss.HttpxIAPAuth(g.url))
    client = gql.Client(transport=over)
    g.over_an_expiry(lambda: check(client.execute(gql.gql("{ me }"))["me"] == EMAIL))


def test_mcp(guarded: Make) -> None:
    """The MCP client of the Python SDK, over streamable HTTP."""
    pytest.importorskip("mcp")
    httpx2 = pytest.importorskip("httpx2")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.method != "POST":
            return 405, {}, b""
        message = json.loads(request.body)
        if "id" not in message:
            return 202, {}, b""
        result: dict[str, Any] = {"tools": []}
        if message["method"] == "initialize":
            version = message["params"]["protocolVersion"]
            info = {"name": "stub", "version": "1"}
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()

    g = guarded(answer)

    async def run() -> None:
        async with (
            httpx2.AsyncClient(transport=tokentoss.IAPTransport(g.url)) as http,
            streamable_http_client(g.url + "/mcp", http_client=http) as streams,
            ClientSession(streams[0], streams[1]) as session,
        ):
            await session.initialize()
            assert (await session.list_tools()).tools == []

    g.over_an_expiry(lambda: asyncio.run(run()))


def test_gradio_client(guarded: Make) -> None:
    gradio_client = pytest.importorskip("gradio_client")
    config = {"version": "5.0", "api_prefix": "", "components": [], "dependencies": [], "protocol": "sse_v3"}
    g = guarded(answering(config=config, info={"named_endpoints": {}, "unnamed_endpoints": {}}))

    def call() -> None:
        gradio_client.Client(g.url, verbose=False, httpx_kwargs={"auth": tokentoss.HttpxIAPAuth(g.url)}).close()

    g.over_an_expiry(call)


# Workers: a used client comes to them as its settings, and they find the session themselves.


def status_of(client: Any) -> int:
    return int(client.get("/data").status_code)


def test_joblib(guarded: Make) -> None:
    joblib = pytest.importorskip("joblib")
    g = guarded(answering(data={"ok": True}))
    client = tokentoss.IAPClient(base_url=g.url)

    def call() -> None:
        assert status_of(client) == 200
        many = joblib.Parallel(n_jobs=2)(joblib.delayed(status_of)(client) for _ in range(4))
        assert many == [200] * 4

    g.over_an_expiry(call)


def test_dask(guarded: Make) -> None:
    distributed = pytest.importorskip("distributed")
    g = guarded(answering(data={"ok": True}))
    client = tokentoss.IAPClient(base_url=g.url)
    assert status_of(client) == 200
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as dask:
        g.over_an_expiry(lambda: check(dask.gather(dask.map(status_of, [client] * 4, pure=False)) == [200] * 4))


def test_ray(guarded: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "120000")  # its own 15 s are short on a busy machine
    ray = pytest.importorskip("ray")
    g = guarded(answering(data={"ok": True}))
    client = tokentoss.IAPClient(base_url=g.url)
    assert status_of(client) == 200
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        remote = ray.remote(lambda client: client.get("/data").status_code)  # by value: workers know no module of tests
        g.over_an_expiry(lambda: check(ray.get([remote.remote(client) for _ in range(4)]) == [200] * 4))
    finally:
        ray.shutdown()
