"""The client for services behind IAP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import _origin, _proxies, _rpc
from ._lazy import LazyModule
from ._sources import Discovery
from .auth_manager import AuthManager
from .exceptions import OriginError, TokenTossError

if TYPE_CHECKING:
    import requests

    from ._requests import IAPAdapter
else:
    requests = LazyModule("requests")

__all__ = ["IAPClient"]


class IAPClient:
    """Makes requests to services behind IAP, with the token of who is signed in::

        client = IAPClient(base_url="https://my-iap-service.run.app")
        data = client.get_json("/api/data")

    The token goes to base_url's origin and to those in ``origins``; without either, to that of the absolute address of
    each call. A request to another one is an OriginError, and a redirect there goes without it. It stands in
    Authorization, or in Proxy-Authorization where the request has an Authorization of its own. Nothing is taken from a
    ~/.netrc. Proxies and certificates are those of the environment, as with requests.

    A token that IAP refuses is renewed, and the request repeated, once. What IAP still refuses comes back as its
    answer, 401 or 403, whose raise_for_status() raises an IAPRefusedError that says who is signed in and what is
    missing; get_json() and post_json() raise it themselves. A sign-in page is never taken for an answer.

    It may be used by any number of threads, and pickled: its settings are, and no token. Each process that it comes to
    uses the session that it finds there.

    Parameters
    ----------
    base_url
        The service, such as "https://app.example.com/api", to which paths of calls are added. Without it, each call
        names an absolute address.
    auth_manager
        Whose token is sent: an AuthManager, or credentials with an ``id_token``. It alone is used, and where nobody is
        signed in to it, that is an error. By default the token is that of tokentoss.CREDENTIALS if there is one, else
        of the profile's session.
    timeout
        Seconds for a connection to come about, and between two parts of an answer. None waits for ever. A call's own
        ``timeout=`` is used in its place.
    origins
        Further services that may see the token.

    Raises
    ------
    OriginError
        base_url or one of the origins must not see a token, as it is not https.
    """

    def __init__(
        self,
        base_url: str | None = None,
        auth_manager: AuthManager | None = None,
        timeout: float | None = 30,
        *,
        origins: Iterable[str] = (),
    ) -> None:
        self.base_url = base_url.rstrip("/") if base_url else None
        self.timeout = timeout
        self._origins = _origin.allowed_all(origins)
        if self.base_url:
            self._origins |= {_origin.allowed(self.base_url)}
        self._source = Discovery(auth_manager)
        self._session_and_adapter: tuple[requests.Session, IAPAdapter] | None = None
        _rpc.start_early()  # requests is imported meanwhile

    def __reduce__(self) -> Any:
        return _client, (self.base_url, self._source.given, self.timeout, tuple(map(str, sorted(self._origins))))

    @property
    def _session(self) -> requests.Session:
        return self._connect()[0]

    def _connect(self) -> tuple[requests.Session, IAPAdapter]:
        if self._session_and_adapter is None:
            from ._requests import IAPAdapter, IAPSession

            session = IAPSession()
            adapter = IAPAdapter(self._source, self._origins)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            self._session_and_adapter = session, adapter
        return self._session_and_adapter

    def _request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        __tracebackhide__ = True
        url = full_url(self.base_url, path)
        kwargs.setdefault("timeout", self.timeout)
        session, adapter = self._connect()
        if session.trust_env:
            _proxies.check(_origin.origin_of(url))
        _proxies.check_given(kwargs.get("proxies"))
        try:
            with adapter.one_call(url, open_ended=not self._origins):
                return session.request(method, url, **kwargs)
        except TokenTossError as e:  # it says what is wrong: where in here, nobody needs to know
            raise e.with_traceback(None) from e.__cause__

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a GET request.

        Parameters
        ----------
        path
            A path below base_url, or an absolute address.
        kwargs
            As for requests.Session.request(): params, headers, json, data, files, timeout (seconds), stream ...

        Returns
        -------
        requests.Response
            The answer, of whatever status. IAP's refusal is one of 401 or 403.

        Raises
        ------
        OriginError
            The address must not see the token. Nothing was sent.
        NoCredentialsError
            Nobody is signed in, or the session has ended. Nothing was sent.
        TokenRefreshError
            The provider could not be asked for a new token. Nothing was sent.
        ConfigurationError
            A proxy of the environment cannot be read. Nothing was sent.
        IAPRefusedError
            IAP answered with a redirect to a sign-in page, also to a token that was renewed.
        requests.RequestException
            There was no answer: no connection, or none in time.
        """
        return self._request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a POST request; as get()."""
        return self._request("POST", path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a PUT request; as get()."""
        return self._request("PUT", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a DELETE request; as get()."""
        return self._request("DELETE", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> requests.Response:
        """Makes a PATCH request; as get()."""
        return self._request("PATCH", path, **kwargs)

    def get_json(self, path: str, **kwargs: Any) -> Any:
        """Returns the JSON of a GET request's answer.

        Parameters are those of get(). Raises what get() raises; IAPRefusedError for IAP's refusal, and
        requests.HTTPError for another status of 400 or more; requests.JSONDecodeError where the answer is not JSON.
        """
        response = self.get(path, **kwargs)
        response.raise_for_status()
        return response.json()

    def post_json(self, path: str, json: Any = None, **kwargs: Any) -> Any:
        """Returns the JSON of a POST request's answer, as get_json(). json is what is sent."""
        response = self.post(path, json=json, **kwargs)
        response.raise_for_status()
        return response.json()

    def close(self) -> None:
        """Closes the connections."""
        if self._session_and_adapter is not None:
            self._session_and_adapter[0].close()

    def __enter__(self) -> IAPClient:
        return self

    def __exit__(self, *args: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"IAPClient(base_url={self.base_url!r})"


def _client(base_url: str | None, given: Any, timeout: float | None, origins: tuple[str, ...]) -> IAPClient:
    return IAPClient(base_url, given, timeout, origins=origins)


def full_url(base_url: str | None, path: str) -> str:
    """Returns the address of a path at base_url, or an absolute address as it is."""
    if path.lower().startswith(("http://", "https://")):
        return path
    if base_url is None:
        raise OriginError(
            f"the relative path {path!r} requires a base_url",
            hint="give IAPClient a base_url, or an absolute address here",
        )
    return f"{base_url}/{path.lstrip('/')}"
