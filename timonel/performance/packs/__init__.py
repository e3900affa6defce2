"""Metric packs: the counters that each kind of model needs, and the figures they add up to.

Each satisfies `timonel.windows.pack.Pack` and has besides `metrics(sums, seconds)`, where `sums` are its
fields summed over a window of `seconds`, and `warnings(sums)`, what the reader of the figures should know.
"""

from timonel.performance.packs.binary import BinaryPack
from timonel.performance.packs.features import FeaturePack
from timonel.performance.packs.measures import Binned
from timonel.performance.packs.multiclass import MulticlassPack
from timonel.performance.packs.ranking import RankingPack
from timonel.performance.packs.service import ServicePack
from timonel.performance.packs.text import TextPack

__all__ = [
    "BinaryPack",
    "Binned",
    "FeaturePack",
    "MulticlassPack",
    "RankingPack",
    "ServicePack",
    "TextPack",
]
