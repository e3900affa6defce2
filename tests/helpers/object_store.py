"""A real object store that speaks S3, on free ports."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs

WEED = Path(sys.executable).with_name("weed")
KEY, SECRET, BUCKET = "sailor", "knots", "tables"
PARTS = ("master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3", "s3.grpc")


@dataclass(frozen=True)
class ObjectStore:
    """A running SeaweedFS with an empty bucket."""

    port: int

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which clients find it."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def files(self) -> fs.S3FileSystem:
        """Its files."""
        return fs.S3FileSystem(
            access_key=KEY,
            secret_key=SECRET,
            endpoint_override=f"127.0.0.1:{self.port}",
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
            connect_timeout=2,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),
        )

    def put(self, path: Path, key: str) -> str:
        """Upload a file; its address."""
        with self.files().open_output_stream(f"{BUCKET}/{key}") as stream:
            stream.write(path.read_bytes())
        return f"s3://{BUCKET}/{key}"


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """Run SeaweedFS for the length of the block."""
    ports = dict(zip(PARTS, free_ports(len(PARTS)), strict=True))
    with (folder / "weed.log").open("w") as log:
        process = subprocess.Popen(_command(folder, ports), stdout=log, stderr=log)
    try:
        store = ObjectStore(ports["s3"])
        _await(store, process)
        yield store
    finally:
        process.kill()  # what it holds is thrown away; a graceful stop takes half a minute
        process.wait(30)


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _command(folder: Path, ports: dict[str, int]) -> list[str]:
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    users = folder / "s3.json"
    users.write_text(json.dumps({"identities": [identity]}))
    return [
        str(WEED),
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.config={users}",
        "-volume.max=20",
        "-master.volumeSizeLimitMB=32",
        *(f"-{part}.port{grpc}={port}" for part, grpc, port in _flags(ports)),
    ]


def _flags(ports: dict[str, int]) -> Iterator[tuple[str, str, int]]:
    for name, port in ports.items():
        part, _, grpc = name.partition(".")
        yield part, f".{grpc}" if grpc else "", port


def _await(store: ObjectStore, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            store.files().create_dir(BUCKET)
            with store.files().open_output_stream(f"{BUCKET}/ready") as stream:
                stream.write(b"yes")
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.2)
