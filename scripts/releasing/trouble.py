"""What ends a release."""


class Trouble(Exception):
    """Something that ends the release; the canary is taken away."""
