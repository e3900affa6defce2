"""Fold a ledger of any size into the counters that a ModelMonitor would hold, on many cores or on Spark."""
