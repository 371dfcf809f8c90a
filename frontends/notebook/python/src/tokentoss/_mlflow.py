"""For MLflow, which finds this by its entry point: MLFLOW_TRACKING_AUTH=tokentoss."""

from __future__ import annotations

from typing import Any

import mlflow
from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider

from ._requests import IAPAuth


class MLflowAuthProvider(RequestAuthProvider):  # type: ignore[misc]
    """Signs MLflow's requests to the tracking server and the registry, as IAPAuth does."""

    def get_name(self) -> str:
        """Returns what MLFLOW_TRACKING_AUTH is to be."""
        return "tokentoss"

    def get_auth(self) -> Any:
        """Returns what signs a request to the servers that MLflow uses now."""
        uris = (mlflow.get_tracking_uri(), mlflow.get_registry_uri())
        return IAPAuth(*[uri for uri in uris if uri.startswith(("https://", "http://"))])
