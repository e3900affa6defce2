"""Delivers what was read: to the ledger as rows, to the monitor as parcels of windows; each exactly once."""
