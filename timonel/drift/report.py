"""What a comparison of a window with its reference says, feature by feature."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal


class Verdict(StrEnum):
    """The answer to "has it drifted?". Only the first three mean drift."""

    DRIFT = "drift"
    GONE = "column gone"
    """The reference has the column, the window has not."""
    TYPE_CHANGED = "type changed"
    """Numbers in the reference, words in the window."""
    NO_DRIFT = "no drift"
    TOO_FEW_ROWS = "too few rows"
    """No sign of drift, in too few rows to mean anything."""
    NO_DATA = "no data"
    """The reference or the window holds no row."""
    NEW_COLUMN = "new column"
    """The window has the column, the reference has not."""
    NOT_TESTED = "not tested"
    """No test fits the column: a time, an identifier."""


ALARMS = frozenset({Verdict.DRIFT, Verdict.GONE, Verdict.TYPE_CHANGED})


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature's comparison. None: the figure has no value here; never NaN, never 0."""

    name: str
    verdict: Verdict
    note: str | None = None
    """Why there is no test, or what is remarkable."""
    kind: Literal["numeric", "categorical"] | None = None
    test: Literal["kolmogorov-smirnov", "chi-squared"] | None = None
    statistic: float | None = None
    """Of `test`, on the values that are not missing: KS D, or Pearson's with Yates' correction at 1 dof."""
    dof: int | None = None
    p: float | None = None
    """Of all evidence: values, missing values, a point mass, rare categories (Bonferroni over these)."""
    p_corrected: float | None = None
    """Corrected for the number of features: drift at or below the family's alpha."""
    evidence: str | None = None
    """Which of the tests has the least p."""
    ks: float | None = None
    chi_squared: float | None = None
    tv: float | None = None
    """Total variation, missing values as a bin of their own; so for psi and js."""
    wasserstein_sd: float | None = None
    """W1 in standard deviations of the reference."""
    psi: float | None = None
    js: float | None = None
    n_reference: int = 0
    """Rows with a value."""
    n_current: int = 0
    null_share_reference: float | None = None
    null_share_current: float | None = None
    unseen_share: float | None = None
    """Share of the window's rows in categories that the reference has not."""
    unseen: tuple[str, ...] = ()
    """Some of these categories, the most frequent first."""


@dataclass(frozen=True)
class DriftReport:
    """The comparison of a window with its reference."""

    family_alpha: float
    """At most this chance of any false alarm in a window without drift."""
    rows_reference: int
    rows_current: int
    features: tuple[FeatureDrift, ...]
    """In the order of the reference's columns, then new ones."""

    @cached_property
    def alarm(self) -> bool:
        """Whether any feature drifted, went missing or changed its type."""
        return any(feature.verdict in ALARMS for feature in self.features)

    @cached_property
    def drifted(self) -> tuple[FeatureDrift, ...]:
        """The features that raise the alarm, the least corrected p first; gone and changed ones lead."""
        found = (feature for feature in self.features if feature.verdict in ALARMS)
        return tuple(sorted(found, key=lambda f: -1.0 if f.p_corrected is None else f.p_corrected))

    @property
    def verdict(self) -> Literal["drift", "no drift", "inconclusive"]:
        """ "no drift" only if some feature was tested on enough rows: no data is never a pass."""
        if self.alarm:
            return "drift"
        passed = any(feature.verdict is Verdict.NO_DRIFT for feature in self.features)
        return "no drift" if passed else "inconclusive"

    def __getitem__(self, name: str) -> FeatureDrift:
        """The feature of that name."""
        return self._by_name[name]

    def __iter__(self) -> Iterator[FeatureDrift]:
        return iter(self.features)

    @cached_property
    def _by_name(self) -> dict[str, FeatureDrift]:
        return {feature.name: feature for feature in self.features}

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values that JSON can hold; None where a figure has no value."""
        return {
            "alarm": self.alarm,
            "verdict": self.verdict,
            "family_alpha": self.family_alpha,
            "rows_reference": self.rows_reference,
            "rows_current": self.rows_current,
            "features": [_plain(feature) for feature in self.features],
        }


def _plain(feature: FeatureDrift) -> dict[str, Any]:
    return {**asdict(feature), "verdict": feature.verdict.value, "unseen": list(feature.unseen)}
