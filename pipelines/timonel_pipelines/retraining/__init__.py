"""Retraining carried out: what is known is read, the governor decides, its answer is done and recorded."""
