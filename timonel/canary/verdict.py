"""The judge's decision as one table, over what is known of harm, safety, the data and the time."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from timonel.terms import Strategy


class Verdict(StrEnum):
    """What to do with the canary."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    CONTINUE = "continue"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """Of the command line."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.PROMOTE: 0,
    Verdict.ROLLBACK: 10,
    Verdict.CONTINUE: 20,
    Verdict.INCONCLUSIVE: 30,
}


UNSHOWABLE = "no metric has a margin: nothing can be shown harmless, and nothing promoted"


@dataclass(frozen=True)
class Facts:
    """All that the verdict depends on. Texts are sentences with numbers."""

    guards: tuple[str, ...]
    """Crude limits that were broken, such as a crash loop."""
    mismatch: str | None
    """A sample-ratio mismatch."""
    harms: tuple[str, ...]
    """Metrics with evidence of harm."""
    lacking: tuple[str, ...]
    """What this block lacks: data, or a query that failed."""
    lacking_for: int
    """Blocks in a row that lacked something."""
    patience: int
    uneven: str | None
    """Why the baseline's age is no fair comparison."""
    warming: str | None
    """Why the block is not evidence yet."""
    unsafe: tuple[str, ...]
    """Metrics that are not yet shown harmless."""
    safe: tuple[str, ...]
    """Those that are."""
    rising: str | None
    """Why the canary has not had its traffic yet: requests, or steps to come."""
    blocks: int
    max_blocks: int
    strategy: Strategy


@dataclass(frozen=True)
class Outcome:
    """A verdict, whether it is the last one, and why."""

    verdict: Verdict
    final: bool
    reasons: tuple[str, ...]


def decide(facts: Facts) -> Outcome:
    """The first row that applies; none but the last of them promotes, and not without all of the evidence."""
    return next(_rows(facts))


def _rows(f: Facts) -> Iterator[Outcome]:
    if f.guards:
        yield Outcome(Verdict.ROLLBACK, True, f.guards)
    if f.harms:
        yield Outcome(Verdict.ROLLBACK, True, f.harms)
    if f.mismatch:
        yield Outcome(Verdict.INCONCLUSIVE, True, (f.mismatch,))
    yield from _without_evidence(f)
    waiting = tuple(filter(None, (f.rising, *f.unsafe)))
    if not waiting and f.safe and (f.strategy is not Strategy.AB or f.blocks >= f.max_blocks):
        yield Outcome(Verdict.PROMOTE, True, f.safe)
    if f.blocks >= f.max_blocks:
        yield _out_of_time(f, waiting)
    if f.strategy is Strategy.AB:
        waiting = (f"block {f.blocks:,} of {f.max_blocks:,} of a fixed horizon", *waiting)
    yield Outcome(Verdict.CONTINUE, False, waiting or (UNSHOWABLE,))


def _without_evidence(f: Facts) -> Iterator[Outcome]:
    """A block that cannot count for the canary: never a pass, and not for ever."""
    reasons = tuple(filter(None, (*f.lacking, f.uneven, f.warming)))
    if not reasons:
        return
    if f.blocks >= f.max_blocks:
        yield _out_of_time(f, reasons)
    if f.uneven or f.lacking_for >= f.patience:
        yield Outcome(Verdict.INCONCLUSIVE, False, reasons)
    yield Outcome(Verdict.CONTINUE, False, reasons)


def _out_of_time(f: Facts, reasons: tuple[str, ...]) -> Outcome:
    last = f"no decision within {f.max_blocks:,} blocks: give it more traffic, or roll it back"
    return Outcome(Verdict.INCONCLUSIVE, True, (last, *(reasons or (UNSHOWABLE,))))
