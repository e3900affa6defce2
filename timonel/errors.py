"""What can go wrong, classed by what the caller should do about it.

TimonelError
├── BadInput      the data, the settings or the request are wrong: mend them, a retry will not help
│   └── Denied    the credentials or rights do not suffice: once they do, the same call works
├── Unavailable   something outside is down or full: try again later
├── Busy          somebody else is doing this right now: wait for them
└── Corrupt       stored bytes are not what was written: do not use them

A message says what happened, expected against actual; `why` says why it matters where that is not
plain; `fix` says how to mend it. `str(error)` is the whole of it, as a person should read it.
"""


class TimonelError(Exception):
    """The base of all errors that are meant for the user."""

    exit_code = 1
    code = "error"

    def __init__(self, message: str, *, why: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.message, self.why, self.fix = message, why, fix

    def __str__(self) -> str:
        hints = [f"  {self.why}" if self.why else "", f"  fix: {self.fix}" if self.fix else ""]
        return "\n".join([self.message, *filter(None, hints)])

    # so that the error crosses process boundaries whole
    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.why, self.fix))


def _rebuild(
    kind: type[TimonelError], message: str, why: str | None, fix: str | None
) -> TimonelError:
    return kind(message, why=why, fix=fix)


class BadInput(TimonelError):
    """The data, the settings or the request are wrong."""

    code = "bad_input"


class Denied(BadInput):
    """The credentials or rights do not suffice."""

    code = "denied"


class Unavailable(TimonelError):
    """Something outside is down or full; the same call may work later."""

    code = "unavailable"


class Busy(TimonelError):
    """Somebody else is doing this right now."""

    code = "busy"


class Corrupt(TimonelError):
    """Stored bytes are not what was written."""

    code = "corrupt"
