"""The detector that a plan names, on the reference it was given. Runs in the worker only."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.config.watching import AlibiKind
from timonel.drift.alibi import AlibiDetector
from timonel.drift.encoding import categories_per_feature, encode, tested_columns
from timonel.drift.reference import SortedReference
from timonel.errors import BadInput, Corrupt
from timonel_serving.detector.alibi.messages import Plan
from timonel_serving.detector.alibi.saved import CONFIG, check, digest_of, fetch

_FOREVER = 1e6
"""Seconds: who hangs is ended by the detector, from outside."""


def make_detector(plan: Plan, rows: pa.Table) -> tuple[AlibiDetector, str | None]:
    """The detector of a plan and, of a saved one, its digest; `rows` are the reference's, maybe none."""
    if plan.kind is not None:
        reference = SortedReference.fit(rows.select(plan.features), plan.categorical)
        _check_columns(reference, None)
        made = _made(plan.kind, reference, encode(reference, rows), plan.p_value)
        return AlibiDetector(made, reference, plan.p_value, _FOREVER), None
    with tempfile.TemporaryDirectory(prefix="alibi-") as folder:
        return _loaded(plan, rows, Path(folder))


def _made(
    kind: AlibiKind, reference: SortedReference, matrix: NDArray[np.float64], p_value: float
) -> Any:
    from alibi_detect import cd

    if kind == "tabular":
        codes = categories_per_feature(reference)
        return cd.TabularDrift(matrix, p_val=p_value, categories_per_feature=codes)
    if kind == "classifier":
        return cd.ClassifierDrift(
            matrix, _classifier(), backend="sklearn", p_val=p_value, n_folds=5, seed=0
        )
    return {"ks": cd.KSDrift, "cvm": cd.CVMDrift}[kind](matrix, p_val=p_value)


def _classifier() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=50, min_samples_leaf=5, random_state=0)


def _loaded(plan: Plan, rows: pa.Table, folder: Path) -> tuple[AlibiDetector, str]:
    directory = fetch(plan.saved or "", folder, os.environ)
    config = check(directory, digest=plan.digest, allow_pickle=plan.allow_pickle)
    given = bool(rows.num_rows)
    if given:
        reference = SortedReference.fit(rows.select(plan.features), plan.categorical)
    else:
        reference = _own_reference(directory, config, plan.features)
    _check_columns(reference, _width(directory, config))
    return AlibiDetector.load(directory, reference, plan.p_value, _FOREVER), digest_of(directory)


def _own_reference(
    directory: Path, config: Mapping[str, Any], features: Sequence[str]
) -> SortedReference:
    """The rows that the detector keeps of its reference, where it keeps them as they were."""
    if config.get("preprocess_fn"):
        raise BadInput(
            f"{directory / CONFIG}: the detector preprocesses its rows, so their reference is not in it",
            fix="start the detector with --reference",
        )
    matrix = _matrix(directory, config)
    if matrix.shape[1] != len(features):
        raise BadInput(
            f"{directory}: its reference has {matrix.shape[1]} columns,"
            f" monitoring.detector.alibi.features names {len(features)}"
        )
    return SortedReference.fit({name: matrix[:, i] for i, name in enumerate(features)})


def _width(directory: Path, config: Mapping[str, Any]) -> int | None:
    """The columns the detector was fitted on, where it says so."""
    if config.get("preprocess_fn") or not config.get("x_ref"):
        return None
    return int(_matrix(directory, config).shape[1])


def _matrix(directory: Path, config: Mapping[str, Any]) -> NDArray[Any]:
    try:
        matrix: NDArray[Any] = np.load(directory / str(config["x_ref"]), allow_pickle=False)
    except (KeyError, OSError, ValueError) as error:
        raise Corrupt(f"{directory}: its reference cannot be read: {error}") from None
    return matrix.reshape(len(matrix), -1)


def _check_columns(reference: SortedReference, width: int | None) -> None:
    columns = tested_columns(reference)
    left_out = "; ".join(f"{name}: {why}" for name, why in reference.untested.items())
    note = f" (left out: {left_out})" if left_out else ""
    if not columns:
        raise BadInput(f"Alibi Detect has no column to test{note}")
    if width is not None and width != len(columns):
        raise BadInput(
            f"the saved detector was fitted on {width} columns, the reference has {len(columns)}{note}",
            fix="name the detector's columns, in its order, in monitoring.detector.alibi.features",
        )
