"""An append-only log on disk between those who send events and the one who folds them."""

from timonel_serving.detector.spool.spool import Record, Spool, identity

__all__ = ["Record", "Spool", "identity"]
