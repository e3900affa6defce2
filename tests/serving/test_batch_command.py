"""`timonel predict` as a user runs it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from packed import Packed, pack
from timonel.config import Candidate

TIMONEL = str(Path(sys.executable).with_name("timonel"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """A binary model."""
    return pack(tmp_path_factory.mktemp("packed") / "package", Candidate.BOOSTING)


def predict(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [TIMONEL, "predict", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_it_tells_what_it_did_and_where_the_result_is(packed: Packed, tmp_path: Path) -> None:
    """Text for a person; one JSON object with --json; nothing with --quiet."""
    csv.write_csv(packed.table, tmp_path / "rows.csv")
    package = ["--package", str(packed.package.path)]
    told = predict(tmp_path, "rows.csv", *package)
    assert told.returncode == 0, told.stderr
    assert "scored    600 rows with loans" in told.stdout
    assert "written   rows-predictions.parquet" in told.stdout
    assert pq.read_metadata(tmp_path / "rows-predictions.parquet").num_rows == 600
    facts = json.loads(predict(tmp_path, "rows.csv", *package, "-o", "x.parquet", "--json").stdout)
    assert (facts["rows"], facts["out"]) == (600, "x.parquet")
    assert facts["version"] == packed.package.digest[:12]
    assert sum(facts["predictions"].values()) == 600
    quiet = predict(tmp_path, "rows.csv", *package, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_a_broken_file_fails_or_is_flagged(packed: Packed, tmp_path: Path) -> None:
    """Exit code 1 and a message by default; with --on-violation flag a result with marks."""
    table = packed.table.drop(["debt"]).append_column("debt", pa.array([1e9] * 600))
    pq.write_table(table, tmp_path / "rows.parquet")
    package = ["--package", str(packed.package.path)]
    failed = predict(tmp_path, "rows.parquet", *package)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: rows.parquet: breaks the data contract, nothing was")
    assert "column debt, row 0: out of range" in failed.stderr
    assert names(tmp_path) == ["rows.parquet"]
    flagged = predict(tmp_path, "rows.parquet", *package, "--on-violation", "flag")
    assert flagged.returncode == 0, flagged.stderr
    assert "flagged   600 rows" in flagged.stdout


def test_a_missing_file_and_a_missing_registry_entry_say_so(packed: Packed, tmp_path: Path) -> None:
    """Each message names what is missing; nothing is written."""
    found = predict(tmp_path, "none.csv", "--package", str(packed.package.path))
    assert (found.returncode, found.stderr) == (1, "error: none.csv: no such file\n")
    found = predict(tmp_path, "none.csv", "--package", "nowhere")
    assert found.returncode == 1
    assert "nowhere: no model package" in found.stderr
    assert names(tmp_path) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_in_the_middle_leaves_nothing(
    packed: Packed, tmp_path: Path, how: signal.Signals
) -> None:
    """Stopped while it writes, it leaves no result and no half of one."""
    table = pa.concat_tables([packed.table] * 4000)
    pq.write_table(table, tmp_path / "rows.parquet")
    command = [TIMONEL, "predict", "rows.parquet", "--package", str(packed.package.path)]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while len(names(tmp_path)) < 2:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(how)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + how
    assert "Traceback" not in errors
    assert names(tmp_path) == ["rows.parquet"]
