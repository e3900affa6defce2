"""The five values files, rendered as committed."""

from pathlib import Path

import pytest
import yaml

from charts import CHART, VALUES, Chart

NAMES = sorted(file.stem for file in VALUES.glob("*.yaml"))
GOLDENS = Path(__file__).parent / "goldens"


@pytest.mark.parametrize("name", NAMES)
def test_a_values_file_renders_as_committed(chart: Chart, name: str) -> None:
    """What changes for a release is seen in review; `make generate` rewrites the files."""
    found = chart.rendered(name).text
    assert found == (GOLDENS / f"{name}.yaml").read_text(), "run 'make generate' and commit"


@pytest.mark.parametrize("name", NAMES)
def test_helm_lint_finds_nothing(chart: Chart, name: str) -> None:
    """Strictly: a warning fails."""
    done = chart.run("lint", "--strict", str(CHART), "--values", str(VALUES / f"{name}.yaml"))
    assert done.returncode == 0, done.stdout


def test_every_golden_has_its_values() -> None:
    """And no file is left over."""
    assert sorted(file.stem for file in GOLDENS.glob("*.yaml")) == NAMES


def test_every_value_is_in_the_schema_and_closed() -> None:
    """A key that values.yaml does not list is refused, at any depth, but for what is passed on as it is."""
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def compare(known: object, described: dict[str, object], path: str) -> None:
        if isinstance(known, dict) and "properties" in described:
            assert described["additionalProperties"] is False, path
            properties = described["properties"]
            assert isinstance(properties, dict)
            assert set(known) <= set(properties), path
            for key, value in known.items():
                compare(value, properties[key], f"{path}.{key}")

    compare(values, schema, "")
    assert set(schema["properties"]) - set(values) == {"global"}
