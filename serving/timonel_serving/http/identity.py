"""The id of a prediction: what the caller calls it, or one of our own."""

import os
import re

_ACCEPTED = re.compile(r"[\x21-\x7e]{1,128}")


def request_id(given: str | None) -> str:
    """The caller's id when it is one (1 to 128 printable characters, no spaces), else a random one."""
    if given and _ACCEPTED.fullmatch(given):
        return given
    return os.urandom(16).hex()
