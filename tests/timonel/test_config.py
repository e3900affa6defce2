"""timonel.yaml: what it accepts, and what it says of what it does not."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from timonel.config import Config, load_config, parse_config
from timonel.config.template import render_template
from timonel.durations import format_duration, parse_duration
from timonel.errors import BadInput

MINIMAL = "model: {name: fraud}\ndata: {source: d.csv, target: y}\n"
RANKING = "model: {name: a, task: ranking}\ndata: {source: d, target: item, entity: u"


def test_two_sections_are_enough() -> None:
    """A model's name, a source and a target make a complete configuration."""
    config = parse_config(MINIMAL, base=Path("somewhere"))
    assert config.source == str(Path("somewhere/d.csv").absolute())
    assert config.home == Path("somewhere/.timonel").absolute()
    assert config.selection_metric == "pr_auc"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model: {name: fraud}", "data is missing"),
        ("model: {name: F B}\ndata: {source: d, target: y}", "model.name is 'F B'"),
        (MINIMAL + "serving: {prot: 1}", "serving.prot is not a setting: did you mean port?"),
        (MINIMAL + "bogus: 1", "bogus is not a setting: it may be one of model, data"),
        (MINIMAL + "base: /etc", "base is not a setting"),
        (MINIMAL + "serving: {max_queue: 0}", "serving.max_queue is 0: it should be greater"),
        (MINIMAL + "serving: {on_violation: drop}", "it should be 'reject' or 'flag'"),
        (MINIMAL + "train: {candidates: [xgb]}", "train.candidates.0 is 'xgb'"),
        (
            MINIMAL + "train: {candidates: [tfidf-svm]}",
            "logistic, boosting, calibrated-boosting do",
        ),
        (
            MINIMAL + "split: {embargo: 3 weeks}",
            "split.embargo is '3 weeks': expected a number and",
        ),
        (MINIMAL + "evaluation: {gates: [{metric: f1}]}", "needs at_least, at_most or"),
        (MINIMAL + "evaluation: {gates: [{metrik: f1}]}", "did you mean metric?"),
        (MINIMAL + "rollout: {steps: [50, 5]}", "steps must rise"),
        ("model: {name: a, task: text}\ndata: {source: d, target: y}", "data.text names"),
        (RANKING + "}", "data.time names the column of the time of a choice"),
        (RANKING + ", time: t}\nranking: {k: 0}", "ranking.k is 0: it should be greater"),
        (RANKING + ", time: t}\nranking: {k: 20, max_k: 5}", "k is 20, more than max_k 5"),
        (RANKING + ", time: t}\ntrain: {candidates: [logistic]}", "popularity, item-knn,"),
        (RANKING + ", time: t}\nevaluation: {slices: [a]}", "how much is known of the user"),
        (RANKING + ", time: t, features: [a]}", "it has no data.features"),
        (RANKING.replace("entity: u", "entity: k") + ", time: t}", "a field of that name"),
        (MINIMAL + "ranking: {k: 5}", "ranking is for the task ranking"),
        ("- 1", "expected sections such as model: and data:"),
        ("a: [", "not valid YAML: line 1"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_may_be(text: str, says: str) -> None:
    """Every mistake fails naming the file, the key, what it got and what it may be."""
    with pytest.raises(BadInput, match=re.escape(says)) as caught:
        parse_config(text, name="my.yaml")
    assert str(caught.value).startswith("my.yaml: ")


def test_all_mistakes_are_reported_at_once() -> None:
    """Two mistakes give two lines, not one error after the other."""
    with pytest.raises(BadInput) as caught:
        parse_config(MINIMAL + "serving: {port: x, max_queue: 0}")
    assert len(str(caught.value).splitlines()) == 2


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    """A missing timonel.yaml points to `timonel init`."""
    with pytest.raises(BadInput, match="timonel init"):
        load_config(tmp_path / "timonel.yaml")


@pytest.mark.parametrize("text", ["0s", "15min", "36h", "7d", "14d", "90s"])
def test_durations_are_written_as_they_are_read(text: str) -> None:
    """Reading a duration and writing it gives the same text."""
    assert format_duration(parse_duration(text)) == text


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1.5h", "7 days"])
def test_a_wrong_duration_is_refused(text: str) -> None:
    """Anything but a whole number and a known unit is an error that says what is allowed."""
    with pytest.raises(ValueError, match="number and a unit"):
        parse_duration(text)


def test_the_template_is_valid_with_every_default_uncommented() -> None:
    """The file that `init` writes is valid, and each default it shows is the default."""
    text = render_template(
        {"model": {"name": "a", "task": "binary"}, "data": {"source": "d.csv", "target": "y"}}
    )
    opened = re.sub(r"(?m)^# (\w+:)$", r"\1", text)
    opened = re.sub(r"(?m)^  # (\w+: \S.*)$", r"  \1", opened)
    assert len(opened) < len(text)
    assert parse_config(opened) == parse_config(text)


def test_every_setting_is_explained() -> None:
    """No setting is without a sentence on what it is."""
    schema = Config.model_json_schema(mode="serialization")
    silent = [
        f"{name}.{key}"
        for name, part in schema["$defs"].items()
        for key, setting in part.get("properties", {}).items()
        if not setting.get("description")
    ]
    assert silent == []


def test_the_committed_schema_is_the_settings_schema() -> None:
    """Editors that use the committed JSON Schema see what the code accepts."""
    committed = Path(__file__).parents[2] / "docs/reference/timonel.schema.json"
    assert json.loads(committed.read_text()) == Config.model_json_schema(mode="serialization")


def test_a_duration_survives_json() -> None:
    """A configuration written as JSON reads back the same."""
    config = parse_config(MINIMAL + "split: {embargo: 36h}")
    again = parse_config(config.model_dump_json())
    assert again.split.embargo == timedelta(hours=36)
