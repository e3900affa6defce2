"""The parts of an examination of a model, and what it finds."""
