"""Packages and servers that the tests share."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from packages import Built, build
from receivers import Receiver
from servers import Running, Starter, starter


@pytest.fixture(scope="session")
def loans(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The binary model on ONNX Runtime."""
    return build(tmp_path_factory.mktemp("packages") / "loans")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Starter]:
    """Starts servers for one test."""
    with starter(tmp_path) as start:
        yield start


@pytest.fixture(scope="session")
def server(loans: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with default settings that all tests may ask, and none may stop."""
    with starter(tmp_path_factory.mktemp("server")) as start:
        yield start(loans, "--model-version", "7")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of the inference log that listens."""
    with Receiver() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()
