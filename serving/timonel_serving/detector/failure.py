"""Failures that nobody foresaw, as they may be logged: their text could hold a value of a feature."""

from pathlib import Path
from traceback import extract_tb


def told(error: BaseException) -> str:
    """The error's type and where it was raised, without its text."""
    frames = extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))
    return f"{type(error).__name__} at {places}"
