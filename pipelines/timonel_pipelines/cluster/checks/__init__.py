"""The checks: each a pure function of what the cluster answered."""
