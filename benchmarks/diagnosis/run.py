"""Does the diagnosis name the incident? Confusion matrix, abstentions, wrong and confident, seconds."""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cases import CLEAN, Trial, pairs, singles, trial
from sources import SOURCES, Source
from speed import speed

from timonel.diagnosis import Action, Cause, Confidence, Diagnosis, diagnose
from timonel.faults import Severity
from timonel.performance.intervals import wilson


@dataclass(frozen=True)
class Score:
    """What came of a trial."""

    trial: Trial
    answer: Diagnosis

    @property
    def named(self) -> str:
        """The cause named first, or how it abstained."""
        return str(self.answer.cause or self.answer.state.value)

    def right(self, first: int) -> bool:
        """Whether a true cause is among the first ones named; of a season, that nothing is to be done."""
        if self.trial.causes == (Cause.BENIGN,) and self.answer.action is Action.NONE:
            return True
        if self.answer.cause is None:
            return False
        named = [self.answer.cause, *(f.cause for f in self.answer.findings)][: first + 1]
        named = list(dict.fromkeys(named))[:first]
        return bool(set(named) & set(self.trial.causes))

    @property
    def both(self) -> bool:
        """Whether the first two causes named are those of a pair."""
        named = list(dict.fromkeys(f.cause for f in self.answer.findings))[:2]
        return self.answer.cause is not None and set(named) == set(self.trial.causes)

    @property
    def confident(self) -> bool:
        """Whether it names a cause, and is sure of it."""
        answer = self.answer
        return (
            answer.cause is not None
            and bool(answer.findings)
            and (answer.findings[0].confidence is Confidence.HIGH)
        )

    @property
    def wrong(self) -> bool:
        """Confidently wrong."""
        return self.confident and not self.right(1)


def asked(one: Trial, seed: int) -> Score:
    """Diagnose, timed."""
    start = time.perf_counter()
    assert one.case is not None
    answer = diagnose(one.case, seed=seed)
    score = Score(one, replace(answer, seconds=time.perf_counter() - start))
    print(line(score), flush=True)
    # hundreds of logs would not fit the memory
    return replace(score, trial=replace(one, case=None))


def line(score: Score) -> str:
    """One line a trial."""
    a, t = score.answer, score.trial
    change = f"{a.change.value:+.4f}" if a.change.ok else "   -   "
    found = "; ".join(
        f"{f.cause.value}[{','.join(f.scope.columns)}] "
        f"{f'{f.share.value:.0%}' if f.share.ok else '-'} {f.confidence.value}"
        for f in a.findings[:3]
    )
    right = a.action is Action.NONE if t.quiet else score.right(1)
    mark = "ok " if right else "NO!" if score.wrong else "no "
    labels = "mature" if t.mature else "early"
    return (
        f"{mark} {t.source:9} {'+'.join(t.incidents) or CLEAN:26} {t.severity.value:6} {labels:6} "
        f"{a.state.value:9} D {change} {a.seconds:4.1f}s {found}"
    )


def main() -> None:
    """Run the suite and print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--source", choices=[*SOURCES], help="one of them only")
    options.add_argument("--first-seed", type=int, default=100)
    options.add_argument("--only", default="", help="incidents whose name holds this")
    options.add_argument("--clean", type=int, default=15, help="healthy runs of each source")
    options.add_argument("--seasons", type=int, default=15, help="seasonal runs of each source")
    options.add_argument("--pairs", type=int, default=12, help="pairs of incidents on each source")
    options.add_argument("--mature", action="store_true", help="mature labels only")
    options.add_argument("--speed", action="store_true", help="only the seconds of a large case")
    given = options.parse_args()
    if given.speed:
        print(speed())
        return
    sources = [make() for name, make in SOURCES.items() if given.source in (name, None)]
    report([asked(one, given.first_seed) for one in _trials(sources, given)])


def _trials(sources: list[Source], given: argparse.Namespace) -> Iterator[Trial]:
    seed = given.first_seed
    for source in sources:
        yield from singles(source, seed, mature=True, only=given.only)
    for source in sources:
        yield from (quiet(source, (), seed + 500 + k) for k in range(given.clean))
        season = ("seasonal_change",)
        yield from (quiet(source, season, seed + 700 + k, k) for k in range(given.seasons))
        yield from pairs(source, seed, given.pairs)
    for source in sources if not given.mature else []:
        yield from singles(source, seed, mature=False, only=given.only)


def quiet(source: Source, incidents: tuple[str, ...], seed: int, k: int = 0) -> Trial:
    """A run in which nothing is to be done."""
    return replace(trial(source, incidents, list(Severity)[k % 3], True, seed), quiet=True)


def report(scores: list[Score]) -> None:
    """The figures that the targets are about."""
    calm = [s for s in scores if s.trial.quiet]
    rest = [s for s in scores if not s.trial.quiet]
    alone = [s for s in rest if len(s.trial.incidents) == 1]
    both = [s for s in rest if len(s.trial.incidents) == 2]
    print(f"\n{confusion([s for s in alone if s.trial.mature])}\n")
    for mature in (True, False):
        for severity in Severity:
            part = [s for s in alone if (s.trial.severity, s.trial.mature) == (severity, mature)]
            print(f"{severity.value:6} {'mature' if mature else 'early':6} {rates(part)}")
    strong = [s for s in alone if s.trial.severity is not Severity.LOW and s.trial.mature]
    print(f"medium and high, mature labels: {rates(strong)}")
    for name in SOURCES:
        print(f"  of these {name:10} {rates([s for s in strong if s.trial.source == name])}")
    print(f"pairs: {rates(both)}")
    print(f"  both in the first two {of(both, lambda s: s.both)}")
    for season in (False, True):
        part = [s for s in calm if bool(s.trial.incidents) == season]
        what = "season" if season else "clean"
        print(f"{what}: no action {of(part, lambda s: s.answer.action is Action.NONE)}")
    seconds = sorted(s.answer.seconds or 0.0 for s in scores)
    print(f"seconds: median {seconds[len(seconds) // 2]:.1f}, most {seconds[-1]:.1f}")


def rates(scores: list[Score]) -> str:
    """Top-1, top-2, abstentions, wrong and confident."""
    return (
        f"n {len(scores):3}  top-1 {of(scores, lambda s: s.right(1))}"
        f"  top-2 {of(scores, lambda s: s.right(2))}"
        f"  abstained {of(scores, lambda s: s.answer.cause is None)}"
        f"  wrong and confident {of(scores, lambda s: s.wrong)}"
    )


def of(scores: list[Score], what: Callable[[Score], bool]) -> str:
    """A share with its 95 % interval (Wilson)."""
    n, k = len(scores), sum(what(s) for s in scores)
    if not n:
        return "-"
    low, high = wilson(k / n, k / n * (1 - k / n) / n, n)
    return f"{k / n:.1%} ({low:.0%} to {high:.0%})"


def confusion(scores: list[Score]) -> str:
    """True causes by row, what was named by column."""
    counts = Counter((s.trial.causes[0].value, s.named) for s in scores)
    names = [c.value for c in Cause] + ["none", "unknown", "not_enough"]
    used = [n for n in names if any(counts[(c.value, n)] for c in Cause)]
    rows = [f"| {'cause':16} | " + " | ".join(used) + " |", "|---" * (len(used) + 1) + "|"]
    for cause in Cause:
        cells = [str(counts[(cause.value, n)] or "").rjust(len(n)) for n in used]
        rows.append(f"| {cause.value:16} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
