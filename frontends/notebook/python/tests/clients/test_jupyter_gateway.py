"""Jupyter's own remote kernels: a server whose kernels are behind IAP, for longer than a token lives."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import Emulator, login
from tornado.websocket import websocket_connect

import tokentoss

LIFETIME = 8  # seconds

LISTING = "--JupyterWebsocketPersonality.list_kernels=True"

# That of docs/notebooks.md, with the emulator's address, and a shorter time since its tokens live shorter.
CONFIG = """
c.GatewayClient.url = "URL"
c.GatewayClient.gateway_token_renewer_class = "google.cloud.jupyter_config.tokenrenewer.CommandTokenRenewer"
c.CommandTokenRenewer.token_command = "TOKENTOSS token"
c.CommandTokenRenewer.token_lifetime_seconds = 1
c.GatewayClient.auth_scheme = "Bearer"
c.GatewayClient.auth_token = "-"
"""


@contextmanager
def running(directory: Path, pattern: str, *command: str) -> Iterator[str]:
    """Runs a server, and gives the address that it says it has."""
    log = directory / "log.txt"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", *command], cwd=directory, stdout=out, stderr=out)
        try:
            deadline = time.monotonic() + 120
            while not (match := re.search(pattern, log.read_text())):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield match[1].rstrip("/")
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def ask(method: str, url: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=60) as answer:
        return json.loads(answer.read() or b"null")


async def compute(server: str, kernel: str, code: str) -> str:
    """Runs code in a kernel, over the WebSocket that a browser has, and returns what it prints."""
    channels = await websocket_connect(f"ws{server[4:]}/api/kernels/{kernel}/channels")
    header = {
        "msg_id": uuid.uuid4().hex,
        "username": "",
        "session": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    await channels.write_message(
        json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content})
    )
    while True:
        text = await asyncio.wait_for(channels.read_message(), 120)
        assert text is not None, "the connection to the kernel ended"
        message = json.loads(text)
        if message["parent_header"].get("msg_id") == header["msg_id"] and message["msg_type"] == "stream":
            channels.close()
            return str(message["content"]["text"])


def test_remote_kernels(tmp_path: Path, home: Path) -> None:
    for name in ("emulator", "gateway", "server"):
        (tmp_path / name).mkdir()
    with running(
        tmp_path / "gateway",
        r"available at (http://\S+)",
        "jupyter",
        "kernelgateway",
        f"--KernelGatewayApp.port={free_port()}",
        LISTING,
    ) as gateway:
        emulator = Emulator(tmp_path / "emulator", f"{LIFETIME}s", upstream=gateway)
        try:
            tokentoss.configure(path=emulator.client_file)
            login()
            config = CONFIG.replace("URL", emulator.iap).replace("TOKENTOSS", f"{sys.executable} -m tokentoss")
            (tmp_path / "server" / "jupyter_server_config.py").write_text(config)
            options = ["--allow-root"] if os.name == "posix" and os.geteuid() == 0 else []
            options += [
                "--ServerApp.port=0",
                "--ServerApp.open_browser=False",
                "--IdentityProvider.token=",
                "--ServerApp.disable_check_xsrf=True",
            ]
            options += ["--config=jupyter_server_config.py", "--ServerApp.allow_origin=*"]
            with running(
                tmp_path / "server", r"is running at:\s+.*?(http://\S+)", "jupyter", "server", *options
            ) as server:
                kernel = ask("POST", server + "/api/kernels", {"name": "python3"})["id"]
                assert asyncio.run(compute(server, kernel, "x = 20; print(x + 1)")) == "21\n"
                time.sleep(LIFETIME + 1)
                assert asyncio.run(compute(server, kernel, "print(x + 2)")) == "22\n", (
                    "the kernel is there after an expiry"
                )
                assert ask("GET", server + "/api/kernels")[0]["id"] == kernel
                assert ask("GET", gateway + "/api/kernels")[0]["id"] == kernel, "and runs in the gateway"
                ask("DELETE", f"{server}/api/kernels/{kernel}")
        finally:
            emulator.close()
