"""A small real project: two candidates on 3,000 real accident reports; and the command line."""

import io
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pyarrow.parquet as pq
import yaml

from timonel.cli import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "accidents"
TIMONEL = Path(sys.executable).parent / "timonel"
ROWS = 3000

Done = subprocess.CompletedProcess[str]


def write_slice(path: Path) -> Path:
    """Write a table of evenly chosen real rows."""
    table = pq.read_table(EXAMPLE / "data.parquet")
    pq.write_table(table.take(list(range(0, table.num_rows, table.num_rows // ROWS))), path)
    return path


def make_project(folder: Path, table: Path, **changes: dict[str, object]) -> Path:
    """Write a table and a timonel.yaml, returns the latter; `changes` replace keys of sections."""
    if table != folder / "data.parquet":
        shutil.copyfile(table, folder / "data.parquet")
    settings = yaml.safe_load((EXAMPLE / "timonel.yaml").read_text())
    settings["train"] = {"candidates": ["logistic", "boosting"], "trials": 1}
    settings["evaluation"] = {"bootstrap": 50, "gates": [{"metric": "roc_auc", "at_least": 0.1}]}
    for section, keys in changes.items():
        settings[section] = settings.get(section, {}) | keys
    path = folder / "timonel.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def command(*words: str | Path) -> list[str]:
    """A command line as a person types it."""
    return [str(TIMONEL), *map(str, words)]


def timonel(*words: str | Path, seconds: float = 200) -> Done:
    """Run it in a process of its own."""
    return subprocess.run(
        command(*words), capture_output=True, text=True, timeout=seconds, check=False
    )


def timonel_here(*words: str | Path) -> Done:
    """Run it in this process: imports are paid once."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", command(*words)):
        try:
            main.run()
        except SystemExit as stop:
            code = stop.code or 0
    assert isinstance(code, int)
    return Done(command(*words), code, out.getvalue(), err.getvalue())
