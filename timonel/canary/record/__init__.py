"""Rollouts in the ledger's chain of decisions: what a record means, and whose turn it is."""
