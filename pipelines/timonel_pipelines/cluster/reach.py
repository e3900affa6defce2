"""The cluster of the kubeconfig, asked by the official client. Its libraries load slowly: import it late."""

import json
import os
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config  # type: ignore[import-untyped]

from timonel.errors import BadInput, Unavailable
from timonel_pipelines.cluster.answers import Answer

TIMEOUT = (3.0, 15.0)
"""Seconds to connect, and to wait for an answer."""
_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MOST = 300
"""Characters of a message."""


class Cluster:
    """Questions to one API server; every one ends within its time."""

    def __init__(self, context: str | None = None) -> None:
        """By KUBECONFIG, or as a pod; raises BadInput without either."""
        settings = client.Configuration()
        try:
            self.namespace = _configured(settings, context)
        except config.ConfigException as error:
            raise BadInput(
                f"no cluster is configured: {error}",
                fix="set KUBECONFIG to a kubeconfig that `kubectl config view` can read",
            ) from None
        settings.retries = 0
        self.host = settings.host
        self._api = client.ApiClient(settings)

    def require(self) -> Answer:
        """The cluster's version; raises `Unavailable` if there is no answer at all."""
        found = self.get("/version")
        if found.status == 0:
            raise Unavailable(
                f"the cluster at {self.host} does not answer: {found.message}",
                fix="check the address and the network: kubectl cluster-info",
            )
        return found

    def get(self, path: str, **query: str) -> Answer:
        """Read something."""
        return self._ask("GET", path, query, None, {})

    def post(self, path: str, body: Any, **query: str) -> Answer:
        """Create something, or ask by a body."""
        return self._ask("POST", path, query, body, {})

    def proxied(self, path: str, headers: dict[str, str]) -> Answer:
        """Read from a Service, through the API server."""
        return self._ask("GET", path, {}, None, headers)

    def _ask(
        self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> Answer:
        try:
            found, status, received = self._api.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params={"Accept": "application/json", **headers},
                body=body,
                response_type="object",
                auth_settings=["BearerToken"],
                _request_timeout=TIMEOUT,
                _return_http_data_only=False,
            )
        except client.ApiException as error:
            return Answer(error.status or 0, message=_said(error), date=_date(error.headers))
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            return Answer(0, message=str(getattr(error, "reason", None) or error)[:_MOST])
        return Answer(status, found, date=_date(received))


def _configured(settings: client.Configuration, context: str | None) -> str:
    """Take up the kubeconfig, in a pod without one its account; the namespace meant."""
    if "KUBECONFIG" not in os.environ and _POD.exists():
        config.load_incluster_config(client_configuration=settings)
        return (_POD / "namespace").read_text().strip()
    # the client reads the variable once, when it is imported
    file = os.environ.get("KUBECONFIG") or None
    config.load_kube_config(file, context=context, client_configuration=settings)
    contexts, active = config.list_kube_config_contexts(file)
    chosen = next((one for one in contexts if one["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")


def _said(error: client.ApiException) -> str:
    """The message of the Status object that came."""
    try:
        said = str(json.loads(error.body)["message"])
    except (ValueError, TypeError, KeyError):
        said = str(error.body or error.reason or "")
    return said[:_MOST]


def _date(headers: Any) -> str:
    return "" if headers is None else str(headers.get("Date") or "")
