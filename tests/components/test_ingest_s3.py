"""Sources on S3, against a real object store."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyarrow import csv, parquet

from object_store import BUCKET, ObjectStore, free_ports, object_store
from slices import Settings
from timonel.errors import BadInput, Unavailable
from timonel_components.data.versions import read_version
from timonel_components.ingest import ingest


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """One object store for the module."""
    with object_store(tmp_path_factory.mktemp("weed")) as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    # the reader itself must see that the endpoint is plain HTTP
    monkeypatch.delenv("AWS_ALLOW_HTTP")


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_object_is_read(
    kind: str, accidents: pa.Table, store: ObjectStore, settings: Settings, tmp_path: Path
) -> None:
    """Parquet and CSV objects are ingested with all their rows."""
    path = tmp_path / f"accidents.{kind}"
    parquet.write_table(accidents, path) if kind == "parquet" else csv.write_csv(accidents, path)
    uri = store.put(path, f"raw/accidents.{kind}")
    back = read_version(ingest(settings(data={"source": uri})))
    assert back["accident_id"].to_pylist() == accidents["accident_id"].to_pylist()


def test_a_delta_table_is_read(accidents: pa.Table, store: ObjectStore, settings: Settings) -> None:
    """A Delta table under a prefix is read at its newest version."""
    uri = f"s3://{BUCKET}/delta/accidents"
    options = store.environment
    write_deltalake(uri, accidents.slice(0, 10), storage_options=options)
    write_deltalake(uri, accidents, mode="overwrite", storage_options=options)
    assert ingest(settings(data={"source": uri})).rows == accidents.num_rows


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("nothing/here.csv", "nothing/here.csv: no such object"),
        ("plain", "plain: holds no _delta_log"),
        ("bad/empty.csv", "s3://tables/bad/empty.csv: is empty"),
    ],
)
def test_what_is_no_table_is_named(
    key: str, message: str, store: ObjectStore, settings: Settings, tmp_path: Path
) -> None:
    """Objects that are absent or no table are named by their address, not by a temporary file."""
    (tmp_path / "empty").touch()
    store.put(tmp_path / "empty", "bad/empty.csv")
    store.put(tmp_path / "empty", "plain/notes.txt")
    with pytest.raises(BadInput, match=message):
        ingest(settings(data={"source": f"s3://{BUCKET}/{key}"}))


def test_a_wrong_secret_is_bad_input(
    settings: Settings, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused credentials name the variables to check."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(BadInput, match="access denied") as caught:
        ingest(settings(data={"source": f"s3://{BUCKET}/ready"}))
    assert "AWS_SECRET_ACCESS_KEY" in str(caught.value)


def test_a_store_that_is_down_is_unavailable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listening is an error for which trying again later is right."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(Unavailable, match="cannot be read after 3 attempts"):
        ingest(settings(data={"source": f"s3://{BUCKET}/ready"}))
