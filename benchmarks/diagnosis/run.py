"""Does the diagnosis name the incident? Confusion matrix, abstentions, wrong and confident, seconds."""

import argparse
import time
from collections import Counter
from dataclasses import dataclass, replace

from cases import CLEAN, Trial, accidents, simulated, singles, trial

from timonel.diagnosis import Action, Cause, Confidence, Diagnosis, diagnose
from timonel.faults import Severity

SOURCES = {"simulated": simulated, "accidents": accidents}


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
    answer = diagnose(one.case, seed=seed)
    return Score(one, replace(answer, seconds=time.perf_counter() - start))


def line(score: Score) -> str:
    """One line a trial."""
    a, t = score.answer, score.trial
    change = f"{a.change.value:+.4f}" if a.change.ok else "   -   "
    found = "; ".join(
        f"{f.cause.value}[{','.join(f.scope.columns)}] "
        f"{f'{f.share.value:.0%}' if f.share.ok else '-'} {f.confidence.value}"
        for f in a.findings[:3]
    )
    mark = "ok " if score.right(1) else "NO!" if score.wrong else "no "
    labels = "mature" if t.mature else "early"
    return (
        f"{mark} {t.source:9} {'+'.join(t.incidents) or CLEAN:26} {t.severity.value:6} {labels:6} "
        f"{a.state.value:9} D {change} {a.seconds:4.1f}s {found}"
    )


def main() -> None:
    """Run the suite and print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--source", choices=[*SOURCES], help="one of them only")
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument("--first-seed", type=int, default=100)
    options.add_argument("--only", help="incidents whose name holds this")
    options.add_argument("--clean", type=int, default=20, help="healthy runs of each source")
    options.add_argument("--mature", action="store_true", help="mature labels only")
    given = options.parse_args()
    sources = [make() for name, make in SOURCES.items() if given.source in (name, None)]
    scores, clean = [], []
    for source in sources:
        for seed in range(given.seeds):
            for one in singles(
                source, given.first_seed + seed, given.only or "", early=not given.mature
            ):
                scores.append(asked(one, seed))
                print(line(scores[-1]), flush=True)
        for k in range(given.clean):
            one = trial(source, (), Severity.LOW, mature=True, seed=given.first_seed + 500 + k)
            clean.append(asked(one, k))
            print(line(clean[-1]), flush=True)
    report(scores, clean)


def report(scores: list[Score], clean: list[Score]) -> None:
    """The figures that the targets are about."""
    print(f"\n{confusion(scores)}\n")
    for severity in Severity:
        for mature in (True, False):
            part = [s for s in scores if (s.trial.severity, s.trial.mature) == (severity, mature)]
            if part:
                print(f"{severity.value:6} {'mature' if mature else 'early':6} {rates(part)}")
    strong = [s for s in scores if s.trial.severity is not Severity.LOW and s.trial.mature]
    print(f"medium and high, mature labels: {rates(strong)}")
    print(f"all: {rates(scores)}")
    season = [s for s in scores if s.trial.causes == (Cause.BENIGN,)]
    for what, part in (("clean", clean), ("benign season", season)):
        if part:
            quiet = sum(s.answer.action is Action.NONE for s in part)
            print(f"{what}: no action in {quiet} of {len(part)}")
    seconds = sorted(s.answer.seconds or 0.0 for s in scores)
    if seconds:
        print(f"seconds: median {seconds[len(seconds) // 2]:.1f}, most {seconds[-1]:.1f}")


def rates(scores: list[Score]) -> str:
    """Top-1, top-2, abstentions, wrong and confident."""
    n = max(1, len(scores))
    abstained = sum(s.answer.cause is None for s in scores)
    return (
        f"n {len(scores):3}  top-1 {sum(s.right(1) for s in scores) / n:.0%}"
        f"  top-2 {sum(s.right(2) for s in scores) / n:.0%}  abstained {abstained / n:.0%}"
        f"  wrong and confident {sum(s.wrong for s in scores) / n:.1%}"
    )


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
