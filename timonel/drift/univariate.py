"""The two-sample test of a whole table: one test a feature, one declared chance of a false alarm.

    report = two_sample(reference, window)
    report.alarm, report.drifted[0].name, report["amount"].wasserstein_sd

Numbers are compared by Kolmogorov-Smirnov, categories and numbers of few values by chi-squared; missing
values are tested on their own, so that a burst of nulls is seen and no NaN blinds a test. The p-values are
corrected by Holm. Rows are assumed independent of each other: in traffic with seasons and autocorrelation
the test explains an alarm, it should not raise one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from timonel.drift.columns import (
    Categories,
    Column,
    Numbers,
    as_categories,
    as_numbers,
    read_column,
    sorted_together,
)
from timonel.drift.corrections import holm
from timonel.drift.features import (
    Finding,
    categorical_findings,
    effect_sizes,
    numeric_findings,
)
from timonel.drift.reference import SortedReference
from timonel.drift.report import DriftReport, FeatureDrift, Verdict
from timonel.errors import BadInput
from timonel.frames import named_columns

ENOUGH_ROWS = 30
"""With fewer rows on either side the absence of a sign of drift means nothing."""


def two_sample(
    reference: Any,
    current: Any,
    family_alpha: float = 0.05,
    *,
    categorical: Iterable[str] = (),
) -> DriftReport:
    """Compare a window with a reference, column by column.

    Args:
        reference: a table (pyarrow, pandas, polars, mapping of arrays), or a `SortedReference`: prepared
            once, it spares sorting at every window.
        current: the window, a table.
        family_alpha: the chance of any false alarm in a window without drift, over all features.
        categorical: columns that are categories even where they are numbers (with a table as reference).

    Raises:
        BadInput: for what is not a table, a level outside (0, 1), an unknown column.
    """
    _check(family_alpha)
    if not isinstance(reference, SortedReference):
        reference = SortedReference.fit(reference, categorical)
    columns, rows = named_columns(current)
    window = _read_window(reference, columns)
    enough = min(reference.rows, rows) >= ENOUGH_ROWS
    judged = _judged(_compared(reference, window), enough, family_alpha)
    features = (judged.get(name) or _without(reference, name, window) for name in reference.names)
    held = set(reference.names)
    new = (FeatureDrift(name, Verdict.NEW_COLUMN) for name in columns if name not in held)
    return DriftReport(family_alpha, reference.rows, rows, (*features, *new))


def _check(family_alpha: float) -> None:
    if not 0 < family_alpha < 1:
        raise BadInput(f"family_alpha is {family_alpha}, expected a chance between 0 and 1")


def _read_window(
    reference: SortedReference, columns: Mapping[str, Any]
) -> dict[str, Column | None]:
    """The tested columns that the window has; None for words where the reference has numbers."""
    numeric = {name: columns[name] for name in reference.numeric.names if name in columns}
    window: dict[str, Column | None] = dict(sorted_together(numeric))
    for name, column in numeric.items():
        if name not in window:
            window[name] = _as_numeric(read_column(column, False))
    for name in reference.categorical:
        if name in columns:
            window[name] = _as_categorical(read_column(columns[name], False))
    return window


def _as_numeric(column: Column) -> Numbers | None:
    if isinstance(column, Categories):
        return as_numbers(column)
    return column if isinstance(column, Numbers) else None


def _as_categorical(column: Column) -> Categories | None:
    if isinstance(column, Numbers):
        return as_categories(column)
    return column if isinstance(column, Categories) else None


def _compared(
    reference: SortedReference, window: Mapping[str, Column | None]
) -> dict[str, Finding]:
    numbers = {name: c for name, c in window.items() if isinstance(c, Numbers)}
    categories = {name: c for name, c in window.items() if isinstance(c, Categories)}
    return {
        **numeric_findings(reference.numeric, numbers),
        **categorical_findings(reference.categorical, categories),
    }


def _judged(
    findings: Mapping[str, Finding], enough: bool, family_alpha: float
) -> dict[str, FeatureDrift]:
    """The features with their p-values corrected over all that have one, and the verdicts that follow."""
    tested = {name: finding.p for name, finding in findings.items() if finding.p is not None}
    corrected = holm(np.array(list(tested.values()), dtype=np.float64)).tolist()
    p_corrected = dict(zip(tested, corrected, strict=True))
    passed = Verdict.NO_DRIFT if enough else Verdict.TOO_FEW_ROWS
    judged = {}
    sizes = effect_sizes(list(findings.values()))
    for (name, finding), size in zip(findings.items(), sizes, strict=True):
        p = p_corrected.get(name)
        tried = Verdict.NO_DATA if p is None else passed
        drifted = p is not None and p <= family_alpha
        judged[name] = finding.judged(Verdict.DRIFT if drifted else tried, p, size)
    return judged


def _without(
    reference: SortedReference, name: str, window: Mapping[str, Column | None]
) -> FeatureDrift:
    """A column that could not be compared, and why."""
    if name in reference.untested:
        return FeatureDrift(name, Verdict.NOT_TESTED, reference.untested[name])
    if name in window:
        expected = "numbers" if name in reference.numeric.names else "categories"
        note = f"the window does not hold the {expected} that the reference holds"
        return FeatureDrift(name, Verdict.TYPE_CHANGED, note)
    return FeatureDrift(name, Verdict.GONE, "the window has no such column")
