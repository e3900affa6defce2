"""Performance: how good the model is, measured, estimated, and how sure that is."""
