"""What each column shows: the evidence of its tests joined into one p-value, before any correction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timonel.drift.columns import Categories, Numbers, distinct
from timonel.drift.contingency import (
    Part,
    category_parts,
    missing_part,
    pearson,
    two_by_two,
)
from timonel.drift.effects import effects
from timonel.drift.kolmogorov import ks_p_values
from timonel.drift.numeric import distances
from timonel.drift.numeric_table import NumericColumn, NumericTable
from timonel.drift.report import FeatureDrift, Verdict
from timonel.frames import label

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NAMED_UNSEEN = 5
WIDE = 64
EffectSizes = tuple[float, float, float]
"""TV, PSI, JS; NaN where a side is empty."""
NO_VALUES = Numbers(np.empty(0), 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of a feature before its p-value is corrected for the number of features."""

    p: float | None
    fields: dict[str, Any]
    """The other fields of its `FeatureDrift`."""
    before: Sequence[int]
    """The histogram of the reference, missing values last."""
    now: Sequence[int]

    def judged(
        self, verdict: Verdict, p_corrected: float | None, sizes: EffectSizes
    ) -> FeatureDrift:
        """The feature with its verdict and its effect sizes."""
        tv, psi, js = sizes
        return FeatureDrift(
            verdict=verdict,
            p=self.p,
            p_corrected=p_corrected,
            tv=_known(tv),
            psi=_known(psi),
            js=_known(js),
            **self.fields,
        )


def numeric_findings(reference: NumericTable, window: Mapping[str, Numbers]) -> dict[str, Finding]:
    """Compare the numeric columns that the window has."""
    held = [window.get(name, NO_VALUES) for name in reference.names]
    found = distances(reference, [column.values for column in held])
    sizes = np.array([len(column.values) for column in held], dtype=np.int64)
    p_values = _ks_p_values(found.ks, reference.rows, sizes)
    ks, wasserstein = found.ks.tolist(), found.wasserstein.tolist()
    bins, bins_now = reference.bins.tolist(), found.bins.tolist()
    findings = {}
    for i, name in enumerate(reference.names):
        if name in window:
            before, now = reference.columns[i], held[i]
            distance = _known(ks[i])
            values, parts = _values(before, now, distance, p_values[i])
            fields = {
                "name": name,
                "kind": "numeric",
                "ks": distance,
                "wasserstein_sd": _known(wasserstein[i]),
                **values,
            }
            bins[i].append(before.missing)
            bins_now[i].append(now.missing)
            findings[name] = _finding(fields, bins[i], bins_now[i], parts)
    return findings


def _ks_p_values(ks: Floats, rows: Ints, sizes: Ints) -> list[float]:
    p, known = np.ones(len(ks)), np.isfinite(ks)
    p[known] = ks_p_values(ks[known], rows[known], sizes[known])
    values: list[float] = p.tolist()
    return values


def _values(
    reference: NumericColumn, current: Numbers, ks: float | None, p: float
) -> tuple[dict[str, Any], list[Part]]:
    if reference.few is not None:
        return _few_values(reference.few, current)
    if ks is None:
        return {}, []
    parts = [Part("values", p), *_point_mass(reference, current)]
    return {"test": "kolmogorov-smirnov", "statistic": ks}, parts


def _few_values(reference: Numbers, current: Numbers) -> tuple[dict[str, Any], list[Part]]:
    counts, counts_current = _counts(reference), _counts(current)
    return _contingency(*_aligned(counts, counts_current))


def _counts(column: Numbers) -> dict[Any, int]:
    values, counts = distinct(column.values)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _point_mass(reference: NumericColumn, current: Numbers) -> list[Part]:
    if reference.mass is None:
        return []
    value, hits = reference.mass
    low, high = (current.values.searchsorted(value, side) for side in ("left", "right"))
    rows, rows_current = len(reference.values), len(current.values)
    hits_current = int(high - low)
    p = two_by_two(hits + hits_current, rows + rows_current, hits_current, rows_current)
    return [Part(f"share of the value {label(value)}", p)]


def categorical_findings(
    reference: Mapping[str, Categories], window: Mapping[str, Categories]
) -> dict[str, Finding]:
    """Compare the categorical columns that the window has."""
    return {n: _categorical(n, reference[n], window[n]) for n in reference if n in window}


def _categorical(name: str, reference: Categories, current: Categories) -> Finding:
    before, now = _by_label(reference), _by_label(current)
    counts, counts_now = _aligned(before, now)
    values, parts = _contingency(counts, counts_now)
    unseen = sorted((x for x in now if x not in before), key=lambda x: (-now[x], x))
    total = sum(counts_now) + current.missing
    fields = {
        "name": name,
        "kind": "categorical",
        "unseen_share": sum(now[x] for x in unseen) / total if total else None,
        "unseen": tuple(unseen[:NAMED_UNSEEN]),
        **values,
    }
    return _finding(fields, [*counts, reference.missing], [*counts_now, current.missing], parts)


def _by_label(column: Categories) -> dict[str, int]:
    return dict(zip(column.labels, column.counts.tolist(), strict=True))


def _aligned(before: Mapping[Any, int], now: Mapping[Any, int]) -> tuple[list[int], list[int]]:
    names = [*before, *(name for name in now if name not in before)]
    return [before.get(name, 0) for name in names], [now.get(name, 0) for name in names]


def _contingency(reference: list[int], current: list[int]) -> tuple[dict[str, Any], list[Part]]:
    found = pearson(reference, current)
    if found is None:
        return {}, []
    statistic, dof = found
    values = {"test": "chi-squared", "statistic": statistic, "chi_squared": statistic, "dof": dof}
    return values, category_parts(reference, current, found)


def _finding(
    fields: dict[str, Any], before: list[int], now: list[int], values: Sequence[Part]
) -> Finding:
    """Add what all kinds of features have; the evidence is joined by Bonferroni."""
    total, total_now = sum(before), sum(now)
    missing, missing_now = before[-1], now[-1]
    parts = [*values, *missing_part(missing, total, missing_now, total_now)]
    fields["n_reference"], fields["n_current"] = total - missing, total_now - missing_now
    fields["null_share_reference"] = missing / total if total else None
    fields["null_share_current"] = missing_now / total_now if total_now else None
    if parts:
        strongest = parts[0] if len(parts) == 1 else min(parts, key=attrgetter("p"))
        fields["evidence"] = strongest.evidence
        return Finding(min(1.0, len(parts) * strongest.p), fields, before, now)
    if not total or not total_now:
        return Finding(None, fields, before, now)
    fields["note"] = "one value on both sides"
    return Finding(1.0, fields, before, now)


def effect_sizes(findings: Sequence[Finding]) -> list[EffectSizes]:
    """TV, PSI and JS of each, all at once: narrow histograms are padded with empty bins."""
    narrow = [i for i, finding in enumerate(findings) if len(finding.before) <= WIDE]
    found: dict[int, EffectSizes] = {}
    for group in (narrow, *([i] for i, f in enumerate(findings) if len(f.before) > WIDE)):
        width = max((len(findings[i].before) for i in group), default=0)
        sides = [[findings[i].before for i in group], [findings[i].now for i in group]]
        if group:
            padded = [[[*h, *[0] * (width - len(h))] for h in side] for side in sides]
            sizes = effects(np.array(padded, dtype=np.int64))
            listed = zip(sizes.tv.tolist(), sizes.psi.tolist(), sizes.js.tolist(), strict=True)
            found |= dict(zip(group, listed, strict=True))
    return [found[i] for i in range(len(findings))]


def _known(value: float) -> float | None:
    return value if value == value else None
