"""Every test starts from the same environment, whatever the shell or another test left in it."""

import os
import signal
from collections.abc import Iterator

import pytest


def pytest_configure() -> None:
    """No test may reach the MLflow server of whoever runs it, and Ctrl-C works in all of them."""
    # a shell without job control starts what it runs in the background with Ctrl-C ignored, and
    # the processes that the tests start would inherit that
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [n for n in os.environ if n.startswith(("MLFLOW_", "TIMONEL_"))]:
        del os.environ[name]


@pytest.fixture(autouse=True)
def same_environment() -> Iterator[None]:
    """Take back what a test sets: MLflow's `set_tracking_uri`, for one, writes to the environment."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
