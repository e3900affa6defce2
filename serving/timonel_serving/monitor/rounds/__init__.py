"""The threads that judge and that bring to the ledger."""
