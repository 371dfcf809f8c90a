"""Calls tools of a server by a command until standard input ends: client.py MODE COMMAND...

MODE is what mcp.Client calls so: auto tries the newest version of the protocol first, legacy initializes.
"""

import asyncio
import os
import sys
import threading

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


async def main() -> None:
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
    logged, progress = [], []

    async def log(params):
        logged.append(params.data)

    async def step(value, total, message):
        progress.append(value)

    server = StdioServerParameters(command=sys.argv[2], args=sys.argv[3:], env=dict(os.environ))
    async with Client(stdio_client(server), mode=sys.argv[1], logging_callback=log) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["add", "steps"], names
        text = (await client.read_resource("file:///x")).contents[0].text
        assert text == "text", text
        result = await client.call_tool("steps", {"n": 3}, progress_callback=step)
        assert result.content[0].text == "done", result
        assert progress == [0, 1, 2], progress
        n = 0
        while not stopped.is_set():
            n += 1
            result = await client.call_tool("add", {"a": n, "b": 1})
            assert result.structured_content == {"result": n + 1}, result
        print("calls:", n)


asyncio.run(main())
