"""The model itself: loaded from a verified package, rows in, answers out."""
