"""From what the user asked for to a running server."""

import sys
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from timonel.config import Config, load_config
from timonel.config.sections import Serving
from timonel.errors import BadInput
from timonel.package import Package, open_package
from timonel.registries import find_registry
from timonel_serving.explainer.process import check_explainable, explainer_beside
from timonel_serving.fetching.package import Source, find_package
from timonel_serving.listen import check_free
from timonel_serving.logs import set_up


@dataclass(frozen=True)
class Wish:
    """What the user asked to be served."""

    config: Path
    package: str | Path | None
    """A folder, or the address of one: `timonel_serving.fetching`."""
    alias: str | None
    version: str | None
    overrides: dict[str, Any]
    """Settings of the section `serving` that flags gave."""
    explain: bool = False
    """Whether an explainer is to run beside the predictor."""
    digest: str | None = None
    """SHA-256 of the one package that may be served."""


def launch(wish: Wish, announce: Callable[[dict[str, Any]], None], *, verbose: bool) -> None:
    """Verify, load and serve; returns when the server has drained."""
    package, version, settings = resolve(wish)
    with _explainer(wish, package, version, settings, announce):
        leave = _serve(package, version, settings, announce, verbose=verbose)
    leave()


def _explainer(
    wish: Wish,
    package: Package,
    version: str,
    settings: Serving,
    announce: Callable[[dict[str, Any]], None],
) -> AbstractContextManager[None]:
    """The explainer of the very same package, where one is wanted."""
    if not wish.explain:
        return nullcontext()
    check_explainable(package)
    options = {
        "--config": wish.config,
        "--package": package.path,
        "--model-version": version,
        "--host": settings.host,
        "--port": settings.explain_port,
        "--on-violation": settings.on_violation,
    }
    arguments = [str(part) for option in options.items() for part in option]
    return explainer_beside(arguments, announce, settings.drain_seconds)


def resolve(wish: Wish) -> tuple[Package, str, Serving]:
    """The verified package, the version to report for it, and the settings to serve it with."""
    config = load_config(wish.config) if wish.package is None or wish.config.exists() else None
    if wish.digest and wish.package is None:
        raise BadInput("--digest without --package: the registry knows its packages' digests")
    settings = _settings(config, wish.overrides)
    return *_package(config, wish), settings


def _settings(config: Config | None, overrides: dict[str, Any]) -> Serving:
    base = config.serving if config else Serving()
    try:
        return Serving.model_validate({**base.model_dump(), **overrides})
    except ValidationError as error:
        first = error.errors()[0]
        flag = "--" + str(first["loc"][0]).replace("_", "-")
        raise BadInput(f"{flag} is {first['input']!r}: {first['msg']}") from None


def _package(config: Config | None, wish: Wish) -> tuple[Package, str]:
    """The verified package and the version to report for it."""
    if wish.package is not None:
        found = find_package(wish.package, Source.of(config), wish.digest)
        return found.package, wish.version or found.version or found.package.digest[:12]
    assert config is not None
    if wish.alias and wish.version:
        raise BadInput("--alias and --model-version both name a version: give one of them")
    registered = find_registry()(config, wish.version or wish.alias or "champion")
    package = open_package(registered.path, expected_digest=registered.digest)
    return package, registered.version


def _serve(
    package: Package,
    version: str,
    settings: Serving,
    announce: Callable[[dict[str, Any]], None],
    *,
    verbose: bool,
) -> Callable[[], None]:
    check_free(settings)
    sys.argv = sys.argv[:1]  # kserve reads the command line as it is imported
    # kserve's own response class: nothing that a user of this server could mend
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
    from timonel_serving.assemble import assemble
    from timonel_serving.http.kserve_app import quieten
    from timonel_serving.server import Addresses, PredictorServer, leave

    parts = assemble(package, settings, version)

    def listening(addresses: Addresses) -> None:
        announce(
            {
                "model": package.manifest.model,
                "version": version,
                "backend": package.manifest.backend,
                "package": str(package.path),
                "rest": addresses.rest,
                "grpc": addresses.grpc,
            }
        )

    server = PredictorServer(parts, settings, listening)
    set_up("predictor", settings.log_level, model=package.manifest.model, version=version)
    quieten(verbose=verbose)
    server.start([parts.model])
    return partial(leave, parts.gate)
