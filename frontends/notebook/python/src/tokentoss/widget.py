"""The widget to sign in with. It needs anywidget, which pip installs with this package."""

from __future__ import annotations

import secrets
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _kernel
from ._lazy import LazyModule
from ._logging import logger
from ._session import Message, Session
from ._view import Waiter
from .auth_manager import DEFAULT_MAX_SESSION_LIFETIME_HOURS, AuthManager, ClientConfig
from .exceptions import InteractionRequiredError, WidgetUnavailableError
from .storage import FileStorage, MemoryStorage

try:
    import anywidget
    import traitlets
except ImportError as e:
    raise WidgetUnavailableError(
        f"the widget needs anywidget, which cannot be imported: {e}",
        hint="pip install anywidget, where Jupyter's server runs too; or do without: tokentoss.sign_in()",
    ) from e

if TYPE_CHECKING:
    from . import _credentials
else:
    _credentials = LazyModule("tokentoss._credentials")  # which imports google-auth

__all__ = ["GoogleAuthWidget"]


def _asset(name: str) -> str:
    """Reads a file of the widget, which is in the package, or in a checkout beside it."""
    packaged = resources.files(__package__).joinpath(name)
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).resolve().parents[4] / "signin" / "widget" / name).read_text(encoding="utf-8")


class SessionWidget(anywidget.AnyWidget):
    """A view of a session. All is in messages: the state that a notebook saves has nothing but this module's code."""

    _esm = _asset("widget.js")
    _css = _asset("widget.css")
    _tt_id = traitlets.Unicode().tag(sync=True)  # by which the module knows messages that came before the view

    def __init__(self, session: Session, **kwargs: Any) -> None:
        super().__init__(_tt_id=secrets.token_hex(8), **kwargs)
        self._session = session
        session.attach(self._receive)
        self.on_msg(self._take)

    def __repr__(self) -> str:
        return f"{type(self).__name__}: where no widget is shown here, run this cell again, or use tokentoss.sign_in()"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Shows the widget. What it needs is asked for at once: the kernel may be busy when the view says hello."""
        self._session.send({"v": 1, "type": "hello"})
        return super()._repr_mimebundle_(**kwargs)

    def close(self) -> None:
        """Removes the widget."""
        if hasattr(self, "_session"):  # it is also called for one that could not be made
            self._session.detach(self._receive)
        super().close()

    def _take(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Hands a message of the view to the executable."""
        if isinstance(content, dict):
            logger.debug("the view says %s", content.get("type"))
            self._session.send(content)

    def _receive(self, message: Message) -> None:
        """Hands a message of the executable to the view; called by the thread that reads."""
        if message.get("type") == "snapshot":
            self._observe(message)
        try:
            self.send(message)
        except Exception:  # nobody looks any more: the tab, and what carried messages to it, is gone
            logger.debug("a view is gone", exc_info=True)
            self._session.detach(self._receive)

    def _observe(self, snapshot: Message) -> None:
        """Sets what programs can observe."""


class GoogleAuthWidget(SessionWidget):
    """Shows who is signed in, and a button to sign in with::

        widget = GoogleAuthWidget()
        display(widget)
        widget.wait()  # or go on in the next cell

    Several widgets of one session are in step. Without an OAuth client it asks for that first.

    Parameters
    ----------
    client_secrets_path, client_config, storage, scopes, max_session_lifetime_hours
        As for AuthManager; the last in hours.
    auth_manager
        The session to sign in to, in place of all of these.

    Raises
    ------
    FileNotFoundError, ValueError
        client_secrets_path cannot be read.
    TypeError
        storage is of another class.
    ExecutableError
        The executable is missing, or does not work.
    """

    # These stay in Python: no notebook saves them. They are set by the thread that reads from the executable.
    is_authenticated = traitlets.Bool(False, help="Whether somebody is signed in.")
    user_email = traitlets.Unicode("", help="Who is signed in.")
    status = traitlets.Unicode("Click to sign in", help="What goes on, in words.")
    error = traitlets.Unicode("", help="Why the last sign-in failed.")

    def __init__(
        self,
        client_secrets_path: str | None = None,
        client_config: ClientConfig | None = None,
        auth_manager: AuthManager | None = None,
        storage: FileStorage | MemoryStorage | None = None,
        scopes: list[str] | None = None,
        max_session_lifetime_hours: int | None = None,
        **kwargs: Any,
    ) -> None:
        hours = DEFAULT_MAX_SESSION_LIFETIME_HOURS if max_session_lifetime_hours is None else max_session_lifetime_hours
        self._auth_manager = auth_manager or AuthManager._for_widget(
            client_config, client_secrets_path, storage, scopes, hours
        )
        super().__init__(self._auth_manager._session, **kwargs)
        if self._auth_manager.is_authenticated:
            self.is_authenticated = True
            self.user_email = self._auth_manager.user_email or ""
            self.status = "Signed in"

    @property
    def auth_manager(self) -> AuthManager:
        """The session."""
        return self._auth_manager

    @property
    def credentials(self) -> _credentials.SessionCredentials | None:
        """The session as google-auth knows credentials; None when nobody is signed in."""
        return self._auth_manager.credentials

    def wait(self, timeout: float | None = None) -> AuthManager:
        """Waits until somebody is signed in, and returns the session.

        It may stand in the cell that shows the widget. Pasting an address is the one thing that has to wait for the end
        of the cell; interrupting it is harmless.

        Parameters
        ----------
        timeout
            Seconds to wait. None waits for as long as it takes.

        Raises
        ------
        InteractionRequiredError
            There is no person here, as under nbconvert.
        SignInTimeoutError
            Nobody finished the sign-in in time. It is a TimeoutError.
        SignInError
            A sign-in cannot begin, or cannot go on.
        """
        if not self._auth_manager.is_authenticated:
            if not _kernel.has_viewer() or type(self.comm).__name__ == "DummyComm":  # which no front end is behind
                raise InteractionRequiredError(
                    "nobody is signed in, and there is nobody here to do that",
                    hint=_kernel.SIGN_IN_ELSEWHERE,
                )
            Waiter(self._session).wait(timeout)
        return self._auth_manager

    def prepare_auth(self) -> None:
        """Has an address to sign in at made ready. Showing the widget does that too."""
        self._session.send({"v": 1, "type": "hello"})

    def sign_out(self) -> None:
        """Ends the session, at the provider too. What the provider did not hear is in auth_manager.last_error."""
        self._auth_manager.clear()

    def _observe(self, snapshot: Message) -> None:
        signed_in = snapshot.get("phase") == "signed_in"
        problem = snapshot.get("error") or {}
        self.user_email = snapshot.get("account", "") if signed_in else ""
        self.error = problem.get("message", "")
        self.status = _STATUS.get(snapshot.get("phase", ""), "Click to sign in")
        self.is_authenticated = signed_in


_STATUS = {
    "unconfigured": "Enter an OAuth client",
    "waiting": "Waiting for authentication...",
    "exchanging": "Exchanging authorization code...",
    "signed_in": "Signed in",
}
