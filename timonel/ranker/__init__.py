"""A recommender as plain tables, and the numpy code that ranks with them.

Training fills the tables, serving reads them: one code ranks in both, and no estimator, pickle or
scikit-learn is needed where the model serves.
"""

from timonel.ranker.model import Popularity, Ranked, Ranker
from timonel.ranker.relations import Factors, Neighbours, Relations
from timonel.ranker.store import load_ranker, save_ranker
from timonel.ranker.tables import Histories, Items

__all__ = [
    "Factors",
    "Histories",
    "Items",
    "Neighbours",
    "Popularity",
    "Ranked",
    "Ranker",
    "Relations",
    "load_ranker",
    "save_ranker",
]
