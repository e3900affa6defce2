"""A real MLflow server that keeps artifacts itself."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from object_store import free_ports


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Run `mlflow server` for the length of the block; its address."""
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    process = _start(url, folder)
    try:
        _await(url)
        yield url
    finally:
        os.killpg(process.pid, 9)  # it has workers
        process.wait(30)


def _start(url: str, folder: Path) -> subprocess.Popen[bytes]:
    program = Path(sys.executable).with_name("mlflow")
    where = ["--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1"]
    store = [f"--backend-store-uri=sqlite:///{folder / 'server.db'}"]
    store += [f"--artifacts-destination={folder / 'kept'}"]
    with (folder / "log").open("w") as log:
        return subprocess.Popen(
            [str(program), "server", *where, *store], stdout=log, stderr=log, start_new_session=True
        )


def _await(url: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            httpx.get(f"{url}/health").raise_for_status()
            return
        except httpx.HTTPError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
