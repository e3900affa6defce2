"""Corrected p-values: what a feature's p-value is worth among many, whatever their correlation.

A feature drifts when its corrected p-value is at most the family's level alpha; then the chance of any
false alarm in a window without drift is at most alpha, under any dependence of the features.

Reference: Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def holm(p: Floats) -> Floats:
    """The corrected p-values, in the order given.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected
