"""What the steps after the first are given: the settings, the data, and the run they are recorded in."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from timonel.config import Config, parse_config
from timonel.errors import TimonelError
from timonel_components.tracking.runs import Run, Tracking
from timonel_pipelines.steps.prepared import Prepared


def settings(text: str, base: str) -> Config:
    """The settings in the text of a timonel.yaml whose relative paths start at `base`."""
    return parse_config(text, base=Path(base))


@dataclass(frozen=True)
class Context:
    """A step's surroundings."""

    config: Config
    given: Prepared

    @cached_property
    def tracking(self) -> Tracking:
        """MLflow for the model."""
        return Tracking(self.config)

    @cached_property
    def run(self) -> Run:
        """The run of the whole training."""
        return self.tracking.run(self.given.about.run_id)


@contextmanager
def context(text: str, base: str, prepared: str) -> Iterator[Context]:
    """The context of a step; if the step fails, so has the run."""
    around = Context(settings(text, base), Prepared(Path(prepared)))
    try:
        yield around
    except Exception:
        # what went wrong is the step's error, not that MLflow could not be told of it
        with suppress(TimonelError):
            around.run.close("FAILED")
        raise
