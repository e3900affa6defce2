"""The models that a monitor watches."""
