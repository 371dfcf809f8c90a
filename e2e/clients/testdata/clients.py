"""Programs in Python that know nothing of tokentoss: each has a turn, waits, and has another."""

import asyncio
import os
import sys
import time

SITE, PAUSE = os.environ["SITE"], float(os.environ["PAUSE"])


def twice(turn):
    turn()
    time.sleep(PAUSE)
    turn()


async def twice_async(turn):
    await turn()
    await asyncio.sleep(PAUSE)
    await turn()


def same(have, want):
    assert have == want, f"{have!r} is not {want!r}"


def use_urllib():
    import urllib.request

    twice(lambda: same(urllib.request.urlopen(SITE + "/x").read(), b"hello\n"))


def use_requests():
    import requests

    session = requests.Session()
    twice(lambda: same(session.post(SITE + "/echo", data=b"body").text, "body"))


def use_httpx(library="httpx"):
    import importlib

    client = importlib.import_module(library).Client()
    twice(lambda: same(client.post(SITE + "/echo", content=b"body").text, "body"))


def use_httpx2():
    use_httpx("httpx2")


def use_aiohttp():
    import aiohttp

    async def run():
        async with aiohttp.ClientSession(trust_env=True) as session:

            async def turn():
                async with session.get(SITE + "/x") as answer:
                    same(await answer.text(), "hello\n")

            await twice_async(turn)

    asyncio.run(run())


def use_aiohttp_websocket():
    import aiohttp

    async def run():
        async with aiohttp.ClientSession(trust_env=True) as session:

            async def turn():
                async with session.ws_connect(SITE.replace("https", "wss") + "/socket") as socket:
                    await socket.send_str("hello")
                    same(await socket.receive_str(), "hello")

            await twice_async(turn)

    asyncio.run(run())


def use_httplib2():
    import httplib2

    http = httplib2.Http()
    twice(lambda: same(http.request(SITE + "/echo", "POST", body="body")[1], b"body"))


def use_fsspec():
    """Who asks for a part of a file at a time, as tables and Zarr arrays are read."""
    import fsspec

    twice(lambda: same(len(fsspec.open(SITE + "/big", block_size=4 << 20).open().read()), 8 << 20))


def use_aiohttp_middleware():
    """The one that knows tokentoss: without trust_env, aiohttp takes no proxy from its environment."""
    import aiohttp
    from tokentoss import AiohttpIAPMiddleware

    async def run():
        async with aiohttp.ClientSession(proxy=os.environ["HTTPS_PROXY"], middlewares=[AiohttpIAPMiddleware(SITE)]) as session:

            async def turn():
                async with session.get(SITE + "/x") as answer:
                    same(await answer.text(), "hello\n")

            await twice_async(turn)

    asyncio.run(run())


def use_openai():
    import openai

    client = openai.OpenAI(base_url=SITE + "/v1", api_key="sk-own")

    def turn():
        same(client.models.list().data[0].id, "m")
        chunks = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
        same("".join(c.choices[0].delta.content or "" for c in chunks), "sk-own says hi")

    twice(turn)


def use_mlflow():
    import mlflow

    mlflow.set_tracking_uri(SITE)
    twice(lambda: same(mlflow.get_experiment("7").name, "mine"))


def use_gradio():
    import gradio_client

    twice(lambda: gradio_client.Client(SITE, verbose=False).close())


def use_mcp(streams=None):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def run():
        async with (
            (streams or streamable_http_client(SITE + "/mcp")) as opened,
            ClientSession(opened[0], opened[1]) as session,
        ):
            await session.initialize()

            async def turn():
                answer = await session.call_tool("add", {"a": 1, "b": 2})
                same(answer.content[0].text, "3")

            await twice_async(turn)

    asyncio.run(run())


def use_mcp_sse():
    from mcp.client.sse import sse_client

    use_mcp(sse_client(SITE + "/sse", headers={"Tokentoss-Secret": os.environ["SECRET"]}))


def use_mcp_sse_by_path():
    from mcp import ClientSession
    from mcp.client.sse import create_mcp_http_client, sse_client

    answered = asyncio.Queue()

    async def see(response):
        if response.request.method == "POST":
            answered.put_nowait(response)

    def client(*args, **kwargs):
        made = create_mcp_http_client(*args, **kwargs)
        made.event_hooks["response"].append(see)
        return made

    async def run():
        async with sse_client(SITE + "/~" + os.environ["SECRET"] + "/sse", httpx_client_factory=client) as (read, write):
            async with ClientSession(read, write) as session:
                asking = asyncio.create_task(session.initialize())
                answer = await answered.get()
                asking.cancel()
                assert answer.is_success, f"{answer.request.url.path}: {answer.status_code}"

    asyncio.run(run())


def status(code, call):
    import grpc

    try:
        call()
    except grpc.RpcError as e:
        same(e.code(), code)
    else:
        raise AssertionError(f"the call did not end with {code}")


def use_grpc():
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    channel = grpc.secure_channel(SITE.removeprefix("https://") + ":443", grpc.ssl_channel_credentials())
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest()
    twice(lambda: same(stub.Check(request, timeout=60).status, health_pb2.HealthCheckResponse.SERVING))
    same(next(iter(stub.Watch(request, timeout=60))).status, health_pb2.HealthCheckResponse.SERVING)
    status(grpc.StatusCode.NOT_FOUND, lambda: stub.Check(health_pb2.HealthCheckRequest(service="none"), timeout=60))
    status(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(stub.Watch(request, timeout=2)))


globals()[sys.argv[1]]()
