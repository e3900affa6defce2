"""What each incident does to a healthy model: ROC-AUC, calibration and rates after the onset, by severity.

Prints the table of docs/reference/faults.md. Seeded: the figures are the same every time.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from timonel.faults import INCIDENTS, Healthy, Severity

HEALTHY = Healthy(rows=200_000, days=28)
COLUMNS = {
    "category_rename": ("country",),
    "segment_outage": ("country",),
    "column_swap": ("amount", "f2"),
}
NO_COLUMNS = {"bad_deploy", "prior_shift", "label_delay", "label_noise", "slow_dependency"} | {
    *("null_predictions", "duplicate_rows", "delayed_rows"),
}


def arguments(name: str) -> dict[str, Any]:
    """What an incident is given: the most telling feature, and the model where it takes one."""
    given: dict[str, Any] = {}
    if name not in NO_COLUMNS:
        given["columns"] = COLUMNS.get(name, ("amount",))
    takes_model = "model" in INCIDENTS[name].__dataclass_fields__ and name != "bad_deploy"
    return given | ({"model": HEALTHY.model} if takes_model else {})


def figures(table: pa.Table) -> str:
    """ROC-AUC, mean label, mean score and alert rate of the rows with both label and score."""
    known = table.filter(table["score"].is_valid())
    label, score, positive = (np.asarray(known[c]) for c in ("label", "score", "prediction"))
    return f"{_roc_auc(label, score):.3f} / {label.mean():.3f} / {score.mean():.3f} / {positive.mean():.3f}"


def _roc_auc(label: NDArray[Any], score: NDArray[Any]) -> float:
    _, rank, count = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2
    positives = int(label.sum())
    above = middle[rank][label == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(label) - positives)))


def main() -> None:
    """Print the table."""
    log = HEALTHY.table(np.random.default_rng(1))
    half = HEALTHY.rows // 2
    print("| incident | low | medium | high |\n|---|---|---|---|")
    print("| none |" + f" {figures(log.slice(half))} |" * 3)
    for name, kind in INCIDENTS.items():
        cells = []
        for severity in Severity:
            incident = kind(**arguments(name), severity=severity)
            cells.append(figures(incident.apply(log, np.random.default_rng(2)).table.slice(half)))
        print(f"| `{name}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
