"""How a source is called in messages and records."""

import re

from timonel.config import Config

_PASSWORD = re.compile(r"(://[^:/@]*):.*@")


def source_name(config: Config) -> str:
    """data.source, without the password of a database's URL."""
    return _PASSWORD.sub(r"\1:***@", config.data.source)
