"""For Kubeflow Pipelines behind IAP: ``kfp.Client(host=..., credentials=IAPCredentials())``."""

from __future__ import annotations

from typing import Any

from kfp.client.token_credentials_base import TokenCredentialsBase

from ._origin import allowed
from ._sources import Discovery

__all__ = ["IAPCredentials"]


class IAPCredentials(TokenCredentialsBase):  # type: ignore[misc]
    """Gives a kfp.Client a token that is good now for each request, however long a pipeline is waited for.

    Parameters
    ----------
    auth_manager
        Whose token it is: an AuthManager, or credentials with an ``id_token``. By default that of
        tokentoss.CREDENTIALS, else of the profile's session.
    """

    def __init__(self, auth_manager: Any | None = None) -> None:
        self._source = Discovery(auth_manager)

    def get_token(self) -> str:
        """Returns a token that is good now."""
        return self._source.token().value

    def refresh_api_key_hook(self, config: Any) -> None:
        """Puts a token into the client's configuration, which calls this before each request.

        Raises
        ------
        OriginError
            The client's host must not see a token, as it is not https.
        """
        allowed(config.host)
        config.api_key["authorization"] = self.get_token()
        config.api_key_prefix["authorization"] = "Bearer"
