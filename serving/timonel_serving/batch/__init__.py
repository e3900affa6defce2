"""Batch scoring: files of any size, by the predictor's own rules."""
