"""What a model learnt from: the yardstick of every window."""

from timonel.reference.bins import Bins, CategoryBins, NumericBins
from timonel.reference.classes import Classes
from timonel.reference.reference import Reference

__all__ = ["Bins", "CategoryBins", "Classes", "NumericBins", "Reference"]
