"""Examines a ranker by what users chose after the rows that it learnt from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from timonel.config import Config, Task
from timonel.errors import TimonelError
from timonel.package import Package
from timonel.performance.ranking import exposure, rate_by_position
from timonel.ranker import Ranker, load_ranker
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.latency import measure
from timonel_components.evaluation.result import (
    Challenge,
    Curve,
    Estimate,
    Evaluation,
    RankingFindings,
    Slice,
)
from timonel_components.metrics.figures import LATENCIES
from timonel_components.metrics.ranked import QUALITY, Judged, ranked_metrics
from timonel_components.ranking.interactions import Interactions
from timonel_components.ranking.judging import Truth
from timonel_components.ranking.pack import RANKER, TABLES
from timonel_components.ranking.resampling import Resampling

HISTORY = "history"
HISTORY_LENGTHS = ((0, 0, "none"), (1, 10, "1 to 10"), (11, 30, "11 to 30"), (31, None, "over 30"))
"""Groups of users by how many items are known of them."""
MIN_LISTS = 50
"""A group with fewer users is named, but not judged."""
CURVE_POINTS = 101


def examine(
    ranker: Ranker, candidate: str, test: pa.Table, config: Config, champion: Package | None
) -> Evaluation:
    """Figures with intervals by user, by how much is known of the user, and against the champion."""
    study = _Study(ranker, Truth.of(Interactions.of(test, config), ranker), config)
    groups, small = study.by_history
    timed = tuple(
        measure(study.rank, TABLES, list(study.truth.users), size, study.bootstrap)
        for size in sorted({1, min(256, len(study.truth))})
    )
    return Evaluation(
        **_subject(study, candidate, test),
        metrics=study.metrics
        | dict(zip(LATENCIES, (timed[0].p50_ms, timed[0].p95_ms), strict=True)),
        ranking=study.findings,
        slices=groups,
        left_out=small,
        latency=timed,
        backend=TABLES,
        challenge=None if champion is None else _challenge(study, champion),
    )


@dataclass(frozen=True)
class _Study:
    """The ranker, the users, and the lists it makes for them."""

    ranker: Ranker
    truth: Truth
    config: Config

    @cached_property
    def judged(self) -> Judged:
        return self.truth.judge(self.ranker, self.config.ranking.k)

    @property
    def bootstrap(self) -> Bootstrap:
        settings = self.config.evaluation
        return Bootstrap(settings.bootstrap, settings.confidence, self.config.train.seed)

    @property
    def resampling(self) -> Resampling:
        return Resampling(self.bootstrap)

    @property
    def metrics(self) -> dict[str, Estimate]:
        wanted = ranked_metrics(categories=self.config.ranking.category is not None)
        found = self.resampling.estimates(self.judged, wanted)
        return {name: found[name] for name in wanted}

    def rank(self, users: Any) -> Any:
        """What a request costs."""
        return self.ranker.top_k(users, self.config.ranking.k)

    @property
    def findings(self) -> RankingFindings:
        return RankingFindings(
            k=self.config.ranking.k,
            users=len(self.truth),
            nothing_new=self.truth.nothing_new,
            catalogue=len(self.ranker.items),
            by_position=tuple(rate_by_position(self.judged.relevant).round(6).tolist()),
            exposure=_lorenz(exposure(self.judged.items, len(self.ranker.items))),
        )

    @property
    def by_history(self) -> tuple[tuple[Slice, ...], tuple[str, ...]]:
        rows = self.ranker.histories.rows(list(self.truth.users))
        lengths = self.ranker.histories.lengths(rows)
        judged, small = [], []
        for low, high, name in HISTORY_LENGTHS:
            inside = (lengths >= low) & (lengths <= (lengths.max() if high is None else high))
            members = np.flatnonzero(inside)
            if len(members) >= MIN_LISTS:
                metrics = self.resampling.estimates(self.judged.take(members), QUALITY)
                judged.append(Slice(column=HISTORY, group=name, rows=len(members), metrics=metrics))
            elif len(members):
                small.append(f"{HISTORY} = {name} ({len(members)} users)")
        return tuple(judged), tuple(small)


def _subject(study: _Study, candidate: str, test: pa.Table) -> dict[str, Any]:
    """What was examined, and how."""
    config, settings = study.config, study.config.evaluation
    ends = pc.min_max(test[str(config.data.time)]).as_py()
    first, last = (str(getattr(ends[end], "isoformat", lambda v=ends[end]: v)()) for end in ends)
    return {
        "model": config.model.name,
        "task": Task.RANKING,
        "candidate": candidate,
        "classes": (),
        "confusion": (),
        "rows": test.num_rows,
        "period": (first, last),
        "threshold": None,
        "confidence": settings.confidence,
        "resamples": settings.bootstrap,
        "resampled": "users",
        "selection_metric": config.selection_metric,
    }


def _lorenz(shown: NDArray[np.int64]) -> Curve:
    """The share of all places that the least shown items have, against their share of the catalogue."""
    counts = np.append(0, np.cumsum(np.sort(shown)))
    at = np.unique(np.linspace(0, len(shown), min(CURVE_POINTS, len(counts))).astype(int))
    x, y = at / len(shown), counts[at] / counts[-1]
    return Curve(x=tuple(x.round(6).tolist()), y=tuple(y.round(6).tolist()))


def _challenge(study: _Study, champion: Package) -> Challenge:
    """The champion's lists for the same users; a champion that cannot make them is no comparison."""
    version, rows = champion.digest[:12], len(study.truth)
    try:
        theirs = study.truth.judge(load_ranker(champion.path / RANKER), study.config.ranking.k)
    except TimonelError as reason:
        unknown = Estimate(value=None, reason=f"the champion cannot rank: {reason.message}")
        nothing = dict.fromkeys(QUALITY, unknown)
        return Challenge(
            version=version, rows=rows, champion=nothing, difference=nothing, note=reason.message
        )
    return Challenge(
        version=version,
        rows=rows,
        champion=study.resampling.estimates(theirs, QUALITY),
        difference=study.resampling.differences(study.judged, theirs, QUALITY),
    )
