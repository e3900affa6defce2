"""Is any feature drifting: one alarm an episode, at a declared number of false alarms a month."""

from timonel.drift.scan.effects import effects
from timonel.drift.scan.episodes import Episode
from timonel.drift.scan.replay import Replay
from timonel.drift.scan.scan import Scan
from timonel.drift.scan.score import data_drift_score
from timonel.drift.scan.windows import History, Window

__all__ = ["Episode", "History", "Replay", "Scan", "Window", "data_drift_score", "effects"]
