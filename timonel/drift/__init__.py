"""Drift: has the data changed, has the concept changed, and how sure is that."""
