"""The forward proxies of the environment: HTTPS_PROXY and the like, which may have a password in them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ._origin import Origin
from .exceptions import ConfigurationError, OriginError

# What every library reads alike: a scheme, credentials that end at the last @, a host, a port.
_PROXY = re.compile(
    r"((https?|socks[45][ah]?)://)?([^/?#\s\\\x00-\x1f\x7f]*@)?([a-z0-9._-]+|\[[0-9a-f:.]+(%[a-z0-9._~%-]+)?\])(:\d{1,5})?/?",
    re.IGNORECASE,
)


def named(url_scheme: str) -> str | None:
    """Returns the name of the variable that has the proxy for addresses of a scheme, None for none."""
    for name in (f"{url_scheme}_proxy", "all_proxy"):
        for spelling in (name, name.upper()):
            if os.environ.get(spelling):
                return spelling
    return None


def check(origin: Origin) -> None:
    """Refuses to go on where the proxy for an origin cannot be read: errors of libraries would show its password."""
    name = named(origin.scheme)
    if name is not None and not _bypassed(origin) and not _readable(os.environ[name]):
        raise unreadable(name)


def check_all() -> None:
    """Refuses to go on where a proxy cannot be read, for libraries that read all of them at once."""
    for scheme in ("http", "https"):
        name = named(scheme)
        if name is not None and not _readable(os.environ[name]):
            raise unreadable(name)


def check_given(proxies: Mapping[str, str | None] | None) -> None:
    """Refuses proxies of a call that cannot be read."""
    if any(proxy and not _readable(proxy) for proxy in (proxies or {}).values()):
        raise unreadable("the value of proxies=")


def unreadable(name: str) -> ConfigurationError:
    """Returns the error for a proxy that cannot be read, without a part of it."""
    return ConfigurationError(
        f"{name} is not the address of a proxy, so nothing was sent",
        hint="write it like http://user:password@host:port, with %40 for @, %23 for #, %2F for / and %3F for ? in the "
        "user name and password",
    )


def clear_text(origin: Origin) -> OriginError:
    """Returns the error for a token that would pass through a forward proxy for all there to read."""
    return OriginError(
        f"nothing was sent to {origin}: the token would pass in clear text through a forward proxy",
        hint="add the host to os.environ['NO_PROXY']",
    )


def in_clear_text(origin: Origin) -> bool:
    """Tells whether the environment has requests to an http origin go through a forward proxy."""
    return origin.scheme == "http" and named("http") is not None and not _bypassed(origin)


def _bypassed(origin: Origin) -> bool:
    from urllib.request import proxy_bypass

    return bool(proxy_bypass(origin.host))


def _readable(value: str) -> bool:
    found = _PROXY.fullmatch(value.strip())
    return found is not None and int((found[6] or ":0")[1:]) < 65536
