"""The monitor service: the windows of all detectors and the labels of one model in, answers out."""
