from pathlib import Path

import numpy as np
import pytest

from packed import pack
from timonel.config import Candidate
from timonel_components.rescore import rescorer


@pytest.mark.parametrize("classes", [2, 3])
def test_a_package_scores_logged_rows_as_its_pipeline_does(tmp_path: Path, classes: int) -> None:
    """Of two classes the positive one's probability, of more that of the likeliest class."""
    packed = pack(tmp_path / "package", Candidate.LOGISTIC, classes)
    score = rescorer(tmp_path / "package")(packed.table)
    expected = packed.expected
    top = expected[:, 1] if classes == 2 else expected.max(axis=1)
    assert np.abs(score - top).max() < 1e-9
