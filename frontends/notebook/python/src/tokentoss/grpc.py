"""Credentials for gRPC services behind IAP. It needs grpcio: pip install 'tokentoss[grpc]'."""

from __future__ import annotations

from typing import Any

try:
    import grpc
except ImportError as e:
    raise ImportError(f"this needs grpcio, which cannot be imported: {e}; pip install 'tokentoss[grpc]'") from e

from . import _iap
from ._origin import Origin, allowed, allowed_all
from ._sources import Discovery
from .exceptions import OriginError

__all__ = ["IAPMetadata", "channel_credentials"]


class IAPMetadata(grpc.AuthMetadataPlugin):  # type: ignore[misc]
    """Puts a token that is good now into the metadata of each call to the origins that are named, and of no other.

    ``grpc.metadata_call_credentials(IAPMetadata("https://app.example.com"))`` makes credentials of it, which gRPC
    sends over TLS only.

    Parameters
    ----------
    origins
        The services that may see the token, such as "https://app.example.com".
    auth_manager
        Whose token it is: an AuthManager, or credentials with an ``id_token``. By default that of
        tokentoss.CREDENTIALS, else of the profile's session.
    beside
        The calls have an ``authorization`` of their own, which the service gets: the token goes into
        ``proxy-authorization``.

    Raises
    ------
    OriginError
        No origin is named, or one of them must not see a token, as it is not https.
    """

    def __init__(self, *origins: str, auth_manager: Any | None = None, beside: bool = False) -> None:
        if not origins:
            raise OriginError("no origin is named", hint="name the services that may see the token")
        self._origins = allowed_all(origins)
        self._source = Discovery(auth_manager)
        self._beside = beside

    def __call__(self, context: Any, callback: Any) -> None:
        """Gives the metadata of a call, in a thread of gRPC's."""
        try:
            metadata = self._metadata(allowed(context.service_url))
        except Exception as e:  # noqa: BLE001  gRPC ends the call with it: UNAVAILABLE, and the text
            callback((), e)
        else:
            callback(metadata, None)

    def _metadata(self, origin: Origin) -> tuple[tuple[str, str], ...]:
        if origin not in self._origins:
            raise _iap.not_listed(origin, self._origins)
        headers: dict[str, str] = {}
        _iap.sign(headers, self._source.token(), origin, self._beside)
        return tuple((name.lower(), value) for name, value in headers.items())


def channel_credentials(
    *origins: str,
    auth_manager: Any | None = None,
    beside: bool = False,
    tls: grpc.ChannelCredentials | None = None,
) -> grpc.ChannelCredentials:
    """Returns credentials for ``grpc.secure_channel`` and ``grpc.aio.secure_channel``.

    Parameters
    ----------
    origins, auth_manager, beside
        As for IAPMetadata.
    tls
        How the service is trusted; by default ``grpc.ssl_channel_credentials()``.

    Raises
    ------
    OriginError
        As for IAPMetadata.
    """
    call = grpc.metadata_call_credentials(IAPMetadata(*origins, auth_manager=auth_manager, beside=beside))
    return grpc.composite_channel_credentials(tls or grpc.ssl_channel_credentials(), call)
