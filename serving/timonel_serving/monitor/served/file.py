"""The file in which a release says what serves."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from timonel.errors import BadInput

VARIABLE = "TIMONEL_SERVING_FILE"
"""The environment's variable that names the file."""
_MOST = 64 * 1024
"""Bytes of the file."""
_FIX = "release again: the file is written by the Helm chart"

Version = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=2000)]


class Part(BaseModel):
    """What the file consists of."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Package(Part):
    """The model package of a version."""

    uri: Text | None = None
    digest: Text | None = None
    """SHA-256 of its manifest."""


class Packages(Part):
    """The packages of both versions."""

    stable: Package = Package()
    canary: Package | None = None


class Serving(Part):
    """What a release made serve."""

    stable: Version
    canary: Version | None = None
    weight: Annotated[int, Field(ge=0, le=100)] = 0
    """Percent of the traffic that is the canary's."""
    strategy: Literal["gateway", "knative", "kserve"] = "gateway"
    revision: Annotated[int, Field(ge=0)] = 0
    """Of the Helm release."""
    chart: Text = ""
    package: Packages = Packages()

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells one release from another: the versions and the bytes that they are made of."""
        canary = self.package.canary
        digests = self.package.stable.digest, None if canary is None else canary.digest
        return (self.stable, self.canary, self.strategy, *digests)


def read_serving(path: Path) -> Serving:
    """What the file says; raises BadInput where it says nothing that can be read."""
    try:
        with path.open("rb") as stream:
            body = stream.read(_MOST + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", fix=_FIX) from None
    if len(body) > _MOST:
        raise BadInput(f"{path} is longer than {_MOST} bytes", fix=_FIX)
    try:
        return Serving.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise BadInput(f"{path} is malformed: {where}: {first['msg']}", fix=_FIX) from None
