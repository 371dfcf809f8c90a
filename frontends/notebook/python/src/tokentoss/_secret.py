"""Text that must not be shown, and the tokens that are made of it."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any, Protocol

# A token is asked for anew so many seconds before it expires, or when so much of its
# time is left. Whether that means a new one is the executable's to say, which knows how far
# this machine's clock is off.
EARLY = 60.0
EARLY_PART = 0.1


class Secret(str):
    """A str whose repr tells nothing: reprs are what notebooks save and what verbose tracebacks show.

    print() and every use as a str give the text itself.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'<secret>'"


class Renewer(Protocol):
    """What a token came from."""

    def renew(self, stale: Token) -> Token:
        """Returns a newer token than one that was refused, or the same where a newer one would not help."""


class Token:
    """A token, and what is known of it. It never changes."""

    __slots__ = (
        "_renewer",
        "audience",
        "email",
        "expiry",
        "generation",
        "issuer",
        "kind",
        "lent_by",
        "lent_for",
        "subject",
        "use_until",
        "value",
    )

    def __init__(self, result: dict[str, Any], renewer: Renewer) -> None:
        self._renewer = renewer
        self.kind: str = result.get("kind") or "id"
        self.value = Secret(result["token"])
        self.expiry = parse_time(result.get("expiry"))
        self.email: str = result.get("email") or ""
        self.audience: str = result.get("audience") or ""
        self.issuer: str = result.get("issuer") or ""
        self.subject: str = result.get("subject") or ""
        self.generation: int = result.get("generation") or 0
        lent = result.get("lent") or {}
        self.lent_by: str = lent.get("host") or ""  # the machine whose session it is, where another one lends it
        self.lent_for: tuple[str, ...] = tuple(lent.get("targets") or ())  # and for which services alone
        now = time.time()
        end = self.expiry.timestamp() if self.expiry else now
        self.use_until = end - min(EARLY, EARLY_PART * (end - now))

    def fresh(self) -> bool:
        """Tells whether it can be used without asking anybody."""
        return time.time() < self.use_until

    def renew(self) -> Token:
        """Returns a newer one, or itself where a newer one would not help."""
        return self._renewer.renew(self)

    def bearer(self) -> Secret:
        return Secret("Bearer " + self.value)

    def __repr__(self) -> str:
        return f"Token(expiry={self.expiry})"


def parse_time(text: str | None) -> datetime | None:
    """Reads an RFC 3339 time as Go writes it, which may have nanoseconds; None for none."""
    if not text or text.startswith("0001-"):
        return None
    text = text.replace("Z", "+00:00")
    head, dot, tail = text.partition(".")
    if dot:
        digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        text = f"{head}.{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"
    return datetime.fromisoformat(text).astimezone(timezone.utc)
