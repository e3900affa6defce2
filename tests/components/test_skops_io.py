"""Model files hold trusted types only."""

from functools import partial
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from timonel.errors import BadInput, Corrupt
from timonel_components.learning.skops_io import load_model, save_model


class Stranger:
    """A type that timonel.trust does not name."""


def shout(values: object) -> object:
    """A function that a model file could smuggle in."""
    return values


def crafted() -> dict[str, object]:
    """Models that carry something which is not trusted."""
    return {
        "object": Pipeline([("model", LogisticRegression())]).set_params(
            model__class_weight=Stranger()
        ),
        "function": Pipeline([("model", FunctionTransformer(shout))]),
        "partial": Pipeline([("model", FunctionTransformer(partial(print, "hello")))]),
        "callable": Pipeline([("model", FunctionTransformer(eval))]),
    }


@pytest.mark.parametrize("kind", list(crafted()))
def test_a_file_with_another_type_is_refused(kind: str, tmp_path: Path) -> None:
    """The error names the file and the type, and nothing of the model is built."""
    path = tmp_path / "model.skops"
    save_model(crafted()[kind], path)
    with pytest.raises(Corrupt, match=r"model\.skops: not loaded"):
        load_model(path)


def test_what_is_no_model_file_is_said(tmp_path: Path) -> None:
    """A missing file, bytes that are no archive and an archive without a schema are told apart."""
    with pytest.raises(BadInput, match="no such model file"):
        load_model(tmp_path / "none.skops")
    (tmp_path / "bytes.skops").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(Corrupt, match="not a readable model file"):
        load_model(tmp_path / "bytes.skops")
    with ZipFile(tmp_path / "empty.skops", "w"):
        pass
    with pytest.raises(Corrupt, match="not a readable model file"):
        load_model(tmp_path / "empty.skops")


def test_a_model_file_depends_on_the_model_alone(tmp_path: Path) -> None:
    """Two equal models give the same bytes, whenever and in whatever process they were made."""
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    files = []
    for name in ("one", "two"):
        keep = [LogisticRegression().fit(x, y) for _ in range(3)]
        save_model(keep[-1], tmp_path / name)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    assert np.array_equal(load_model(tmp_path / "one").coef_, keep[0].coef_)
