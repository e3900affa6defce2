"""Who may send labels and windows: those who have the token."""

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from timonel.errors import BadInput
from timonel_serving.problems import Unauthorized
from timonel_serving.secret import TOKEN, secret


@dataclass(frozen=True)
class Access:
    """The token that is asked for; None: none is, for only this machine can connect."""

    token: str | None = field(default=None, repr=False)

    def check(self, authorization: str | None) -> None:
        """Raise `Unauthorized` unless the header holds the token."""
        if self.token is None:
            return
        scheme, _, given = (authorization or "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self.token.encode())
        if scheme.lower() != "bearer" or not same:
            said = "another token" if authorization else "no token"
            raise Unauthorized(
                f"the request has {said}", fix="send the header `authorization: Bearer TOKEN`"
            )


def access(host: str, environment: Mapping[str, str]) -> Access:
    """The access of an address; raises BadInput beyond loopback without a token."""
    token = secret(TOKEN, environment)
    if token is None and not is_loopback(host):
        raise BadInput(
            f"monitoring.monitor.host is {host}, which others can reach, and {TOKEN} is not set",
            why="anybody could send labels",
            fix=f"set {TOKEN} or {TOKEN}_FILE, or listen on 127.0.0.1",
        )
    return Access(token)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
