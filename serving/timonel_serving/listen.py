"""The addresses that a server listens on, and messages that name the setting of one it cannot have."""

import socket

from timonel.config.sections import Serving
from timonel.errors import BadInput


def bind(host: str, port: int, setting: str, section: str = "serving") -> socket.socket:
    """A socket bound to an address, not yet listening."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise taken(host, port, setting, str(error.strerror), section) from None
    return listener


def check_free(settings: Serving) -> None:
    """Refuse taken ports before seconds are spent on loading the model."""
    for setting, port in (("port", settings.port), ("grpc_port", settings.grpc_port)):
        if port:
            bind(settings.host, port, setting).close()


def taken(
    host: str,
    port: int,
    setting: str,
    reason: str = "the address is in use",
    section: str = "serving",
) -> BadInput:
    """The error of an address that is not to be had."""
    return BadInput(
        f"{section}.{setting} is {port}: cannot listen on {host}:{port}: {reason}",
        fix=f"choose another {section}.{setting}, or 0 for a free one",
    )


def address(listener: socket.socket) -> str:
    """The address of a bound socket, as a URL has it."""
    name, port = listener.getsockname()[:2]
    return f"{bracketed(name)}:{port}"


def bracketed(host: str) -> str:
    """A host as a URL has it: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host
