"""Versions of the data: sources, cleaning, the Delta store, the parts of a division."""
