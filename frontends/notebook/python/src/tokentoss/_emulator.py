"""A Google and an IAP in a process of their own, for tests."""

from __future__ import annotations

import functools
import http.client
import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from . import _executable


class EmulatorError(Exception):
    """The emulator did not start, or does not do what it is asked for."""


class Emulator:
    """A Google's sign-in and, behind it, an IAP in front of a service; see docs/emulator.md.

    Each operation of the control API is a method with parameters by name::

        with Emulator(upstream="http://127.0.0.1:8080") as emulator:
            emulator.set_fault(endpoint="token", fault={"status": 503, "times": 2})
            assert emulator.calls(endpoint="token") == 0

    upstream is the URL of the service, without which there is a small one; accounts are the people who can sign in, and
    auto_consent the one of them who does without a page; service_accounts are those of programs. With tls, or names of
    the certificate, both addresses are https. arguments are further ones of the command "tokentoss emulator".

    The process ends with this object's close, with the block that it is entered for, and when this process ends.
    """

    google: str
    """The base URL of Google's side."""
    iap: str
    """The base URL of IAP's side, where the service is."""
    ca: str | None
    """The file with the certificate to trust, with tls."""
    client_secrets: str
    """The file of the OAuth client to sign in with."""
    assertion_audience: str
    assertion_keys: str
    """What a service checks IAP's signed header by: its audience, and the URL of its keys."""

    def __init__(
        self,
        *,
        upstream: str | None = None,
        accounts: Sequence[str] = ("user@example.com",),
        auto_consent: str | None = None,
        service_accounts: Sequence[str] = (),
        tls: bool = False,
        tls_names: Sequence[str] = (),
        arguments: Sequence[str] = (),
    ) -> None:
        command = [_executable.find(), "emulator", "--control", "--until-eof"]
        for flag, values in (("account", accounts), ("robot", service_accounts), ("tls-name", tls_names)):
            command += [f"--{flag}={value}" for value in values]
        command += [f"--upstream={upstream}"] if upstream else []
        command += [f"--auto-consent={auto_consent}"] if auto_consent else []
        command += ["--tls"] if tls or tls_names else []
        with tempfile.TemporaryFile() as errors:
            self._process = subprocess.Popen(
                [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if not line:
                self.close()
                errors.seek(0)
                raise EmulatorError(errors.read().decode(errors="replace").strip())
        ready = json.loads(line)
        self.google, self.iap, self.ca = ready["google"], ready["iap"], ready.get("ca")
        self.client_secrets = ready["client_secrets"]
        self.assertion_audience, self.assertion_keys = ready["assertion_audience"], ready["assertion_keys"]
        self._control, self._key = ready["control"], ready["control_key"]

    def headers(self, email: str | None = None) -> dict[str, str]:
        """Returns the header that lets an account through IAP: the first account, unless another one is named."""
        return {"Authorization": "Bearer " + self.call("id_token", email=email or self.call("accounts")[0]["email"])}

    def call(self, operation: str, **parameters: Any) -> Any:
        """Does an operation of the control API, and returns its result."""
        connection = http.client.HTTPConnection(urlsplit(self._control).netloc, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connection.request("POST", f"/v1/{operation}", json.dumps(parameters), headers)
            answer = json.load(connection.getresponse())
        finally:
            connection.close()
        if "error" in answer:
            raise EmulatorError(f"{operation}: {answer['error']}")
        return answer["result"]

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation.startswith("_"):
            raise AttributeError(operation)
        return functools.partial(self.call, operation)

    def close(self) -> None:
        """Ends the emulator. Calling it again is harmless."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None) -> None:
        self.close()
