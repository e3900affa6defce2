"""`timonel init` and the rest of the command line, run as a user runs them."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from timonel.config import load_config

TIMONEL = Path(sys.executable).parent / "timonel"
ROWS = "".join(
    f"{i},2024-01-{i % 28 + 1:02d},{i * 1.5},{'web' if i % 3 else 'shop'},remark {i},"
    f"{'yes' if i % 5 == 0 else 'no'}\n"
    for i in range(300)
)
HEADER = "order_id,ts,amount,channel,remark,returned\n"


def timonel(*arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [TIMONEL, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text(HEADER + ROWS)
    return tmp_path


def test_init_writes_settings_that_are_valid_and_explained(orders: Path) -> None:
    """The file holds the user's roles, what was found out, and a comment on every setting."""
    done = timonel("init", "orders.csv", "--target", "returned", "--time", "ts", cwd=orders)
    config = load_config(orders / "timonel.yaml")
    assert (config.model.name, config.data.target, config.data.positive) == (
        "orders",
        "returned",
        "yes",
    )
    assert (config.data.time, config.data.time_order, config.data.key) == ("ts", "sort", "order_id")
    assert config.data.drop == ("remark",)
    assert Path(config.source) == orders / "orders.csv"
    assert "drop: remark has 300 different texts" in done.stdout
    assert "timonel train -c timonel.yaml" in done.stdout
    timonel("check", cwd=orders)


def test_init_does_not_replace_what_is_there(orders: Path) -> None:
    """An existing file is kept unless --force is given."""
    (orders / "timonel.yaml").write_text("mine")
    timonel("init", "orders.csv", "--target", "returned", cwd=orders, code=1)
    assert (orders / "timonel.yaml").read_text() == "mine"
    timonel("init", "orders.csv", "--target", "returned", "--force", cwd=orders)
    assert (orders / "timonel.yaml").read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.csv", "--target", "y"], "none.csv: no such file"),
        (["orders.csv", "--target", "y"], "--target is y, which is no column of the table"),
        (["orders.csv", "--target", "channel", "--positive", "app"], "--positive is app"),
    ],
)
def test_init_names_what_is_wrong_and_writes_nothing(
    orders: Path, arguments: list[str], says: str
) -> None:
    """A wrong file or column is one message without a traceback, exit code 1, and no file."""
    done = timonel("init", *arguments, cwd=orders, code=1)
    assert done.stderr.startswith(f"error: {says}")
    assert "Traceback" not in done.stderr
    assert not (orders / "timonel.yaml").exists()


def test_check_names_the_wrong_key(orders: Path) -> None:
    """`timonel check` fails naming the key."""
    (orders / "timonel.yaml").write_text("model: {name: a}\ndata: {source: orders.csv, tarjet: y}")
    done = timonel("check", cwd=orders, code=1)
    assert "data.tarjet is not a setting: did you mean target?" in done.stderr


def test_schema_is_json(tmp_path: Path) -> None:
    """`timonel schema` prints a JSON Schema and nothing else."""
    assert json.loads(timonel("schema", cwd=tmp_path).stdout)["title"] == "Config"


def test_help_loads_no_heavy_library() -> None:
    """`timonel --help` must answer at once: it may not import what only the work needs."""
    probe = (
        "import sys; from timonel.cli.main import build; build();"
        "heavy = {'numpy', 'pyarrow', 'pydantic', 'sklearn', 'mlflow', 'kfp', 'kserve', 'onnxruntime',"
        " 'pandas', 'yaml'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_lists_the_commands_of_every_package(tmp_path: Path) -> None:
    """The one command line shows what each installed package adds."""
    started = time.monotonic()
    shown = timonel("--help", cwd=tmp_path).stdout
    assert time.monotonic() - started < 5
    for command in ("init", "check", "schema", "train", "serve", "predict", "pipeline"):
        assert re.search(rf"\b{command}\b", shown), command


def test_an_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    """A misspelt command exits with 2 and names it."""
    done = timonel("trian", cwd=tmp_path, code=2)
    assert "trian" in done.stderr
