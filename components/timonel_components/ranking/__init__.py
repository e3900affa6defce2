"""Rankers: learnt from who chose what and when, examined list by list, packed as tables."""
