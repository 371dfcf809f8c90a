"""An MCP server at a free port, which it prints: server.py http|sse."""

import asyncio
import socket
import sys

import uvicorn
from fastmcp import Context, FastMCP

mcp = FastMCP("far")


@mcp.tool
def add(a: int, b: int) -> int:
    return a + b


@mcp.tool
async def steps(n: int, ctx: Context) -> str:
    for i in range(n):
        await ctx.report_progress(i, n)
        await ctx.info(f"step {i}")
    return "done"


@mcp.resource("file:///x")
def x() -> str:
    return "text"


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
app = mcp.http_app(transport=sys.argv[1], path="/mcp")
server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="error", timeout_graceful_shutdown=1))
asyncio.run(server.serve([listener]))
