"""The online processes."""
