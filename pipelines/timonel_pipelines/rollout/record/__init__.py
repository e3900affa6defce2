"""What is written down of a rollout: its state on the disk, its steps in the ledger, its report."""
