"""The widget to enter an OAuth client in."""

from __future__ import annotations

from typing import Any

import traitlets

from . import _visitors
from ._session import Message, open_session
from .exceptions import ConfigurationError
from .widget import SessionWidget

__all__ = ["ConfigureWidget"]


class ConfigureWidget(SessionWidget):
    """Asks for an OAuth client, so that its secret is in no cell::

        display(ConfigureWidget())

    Afterwards it offers to sign in, as GoogleAuthWidget does.

    Raises
    ------
    ConfigurationError
        This is an app that many people visit: its OAuth client is not theirs to change.
    """

    # They stay in Python: no notebook saves them.
    configured = traitlets.Bool(False, help="Whether there is an OAuth client.")
    status = traitlets.Unicode("Enter credentials", help="What goes on, in words.")

    def __init__(self, **kwargs: Any) -> None:
        if _visitors.here() is not None:
            raise ConfigurationError(
                "an app's OAuth client is not for its visitors to change",
                hint="set it where the app runs: tokentoss configure --from FILE",
            )
        session = open_session()
        state = session.status()["state"]
        self._saved = False
        super().__init__(session, **kwargs)
        self.configured = state != "not_configured"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        self._ask()
        return bundle

    def _take(self, widget: Any, content: Any, buffers: Any) -> None:
        if isinstance(content, dict) and content.get("type") == "hello":
            self._ask()
        super()._take(widget, content, buffers)

    def _ask(self) -> None:
        """Has the view ask for a client, also where there is one, until one was saved here."""
        if not self._saved:
            self.send({"v": 1, "type": "show", "face": "configure"})

    def _observe(self, snapshot: Message) -> None:
        problem = snapshot.get("error") or {}
        if snapshot.get("busy") == "configure":
            self._saved = True
        elif self._saved and problem:
            self._saved = False
        self.configured = snapshot.get("phase") not in ("unconfigured", "starting")
        if problem:
            self.status = f"Error: {problem.get('message', '')}"
        elif self._saved and self.configured:
            self.status = "Configured!"
