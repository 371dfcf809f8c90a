"""Origins: what must be equal for a token to be sent (RFC 6454, section 4)."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from .exceptions import OriginError

_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9._:-]+")


class Origin(NamedTuple):
    """A scheme, a host in lower case without a final dot, and a port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS.get(self.scheme) else f":{self.port}")


def origin_of(url: str) -> Origin:
    """Returns the origin of an absolute URL, or refuses one that hides where it leads."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OriginError("the address cannot be read", hint="write it like https://app.example.com/path") from None
    host = (parts.hostname or "").removesuffix(".")
    if not parts.scheme or not host:
        raise OriginError("the address has no scheme or no host", hint="write it like https://app.example.com/path")
    if not _HOST.fullmatch(host):
        raise OriginError(
            f"the host {host!a} is no plain host name", hint="write it in its xn-- form, without patterns"
        )
    origin = Origin(parts.scheme, host, _PORTS.get(parts.scheme, 0) if port is None else port)
    if "@" in parts.netloc:
        raise OriginError(f"the address for {origin} has a user name or password in it", hint="leave that out")
    return origin


def allowed(url: str) -> Origin:
    """Returns the origin of a service that may see tokens: https, or http to this machine where that is asked for."""
    origin = origin_of(url)
    if origin.scheme == "https":
        return origin
    if origin.scheme == "http" and os.environ.get("TOKENTOSS_INSECURE_LOOPBACK") == "1" and _loopback(origin.host):
        return origin
    raise OriginError(
        f"{origin} may not see a token: it is not https, so anybody on the way could read it",
        hint="use https; for an emulator on this machine, set TOKENTOSS_INSECURE_LOOPBACK=1",
    )


def allowed_all(urls: Iterable[str]) -> frozenset[Origin]:
    """Returns the origins of several services."""
    if isinstance(urls, str):
        urls = (urls,)
    return frozenset(allowed(url) for url in urls)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
