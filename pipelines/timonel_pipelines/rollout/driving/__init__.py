"""Takes a rollout from phase to phase to its end."""
