"""The page of one rollout: its verdict, its steps in plain words, and the evidence over time."""
