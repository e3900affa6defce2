"""A rollout as a report to attach to a pull request: the verdict, the evidence, each step in the chain."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from timonel.canary.record.reading import KIND, Step, details_of, numbers_of
from timonel.ledger import Record
from timonel_pipelines.rollout.record.state import Phase, State

Told = Mapping[str, Any]
"""A block and what the judge said of it, as `Store.blocks` reads them."""
MOST_BLOCKS = 15


def markdown(state: State, blocks: Sequence[Told], records: Iterable[Record]) -> str:
    """The report as Markdown."""
    chain = list(records)
    parts = [
        f"# {heading(state, chain)}",
        "",
        *(f"- {reason}" for reason in state.reasons),
        "",
        "| | version | digest | trained on |",
        "|---|---|---|---|",
        *(
            f"| {role} | {one.number} | `{one.digest[:12]}` | {one.data} |"
            for role, one in (("champion", state.champion), ("challenger", state.challenger))
        ),
        "",
        *(_evidence(blocks[-1]["decision"]) if blocks else ()),
        *_course(blocks),
        *_second(last_second(chain, state.id)),
        *_chain(state, chain),
    ]
    return "\n".join(parts)


def heading(state: State, chain: Sequence[Record]) -> str:
    """What became of it, in a line."""
    told = state.verdict.value if state.phase is Phase.ENDED else state.phase.value
    second = last_second(chain, state.id)
    return (
        f"{state.model}: version {state.challenger.number} for version {state.champion.number}, "
        f"{told} after {state.blocks} blocks"
        + (f"; second verdict: {second['verdict']}" if second else "")
    )


def _evidence(decision: Told) -> Iterator[str]:
    yield from ("## Evidence", "")
    yield "| metric | champion | challenger | difference | harm, of | safety, of |"
    yield "|---|---|---|---|---|---|"
    for name, found in decision["metrics"].items():
        arms = [_measured(found[arm]) for arm in ("stable", "canary", "difference")]
        harm = _against(found["e_harm"], found["harm_bar"])
        cells = [name, *arms, harm, _against(found["e_safe"], found["safe_bar"])]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _course(blocks: Sequence[Told]) -> Iterator[str]:
    every = max(1, -(-len(blocks) // MOST_BLOCKS))
    yield from ("## Course", "", "| block | until | weight | challenger | champion | verdict |")
    yield "|---|---|---|---|---|---|"
    for number, told in enumerate(blocks, start=1):
        if number % every == 0 or number == len(blocks):
            block, decision = told["block"], told["decision"]
            requests = [f"{block[arm]['requests']:,}" for arm in ("canary", "stable")]
            weight = f"{block['weight']:g} %" if "weight" in block else "changing"
            cells = [f"{number}", block["end"][:19], weight, *requests, decision["verdict"]]
            yield f"| {' | '.join(cells)} |"
    yield ""


def last_second(records: Iterable[Record], rollout: str) -> Told | None:
    """The numbers of the last second verdict on a rollout; None: nobody asked for one yet."""
    said = [(record, details_of(record)) for record in records if record.kind == KIND]
    own = [r for r, d in said if d is not None and (d.rollout, d.step) == (rollout, Step.SECOND)]
    return numbers_of(own[-1]) if own else None


def _second(said: Told | None) -> Iterator[str]:
    if said is None:
        return
    yield from ("## Second verdict", "", f"**{said['verdict']}**, {said['method']}", "")
    yield from (f"- {reason}" for reason in (*said["reasons"], *said["left_out"]))
    yield from ("", "| vintages | difference | harm, of | safety, of | of the verdict |")
    yield "|---|---|---|---|---|"
    harm = _against(said["e_harm"], said["harm_bar"])
    safe = _against(said["e_safe"], said["safe_bar"])
    cells = [str(said["vintages"]), _measured(said["difference"]), harm, safe]
    yield from (f"| {' | '.join(cells)} | `{said['judged'][:12]}` |", "")


def _chain(state: State, records: Iterable[Record]) -> Iterator[str]:
    yield from (
        "## Decisions",
        "",
        "| record | time | step | what | hash |",
        "|---|---|---|---|---|",
    )
    for record in records:
        said = details_of(record) if record.kind == KIND else None
        if said is not None and said.rollout == state.id and said.step is not Step.HELD:
            what = record.summary.replace("|", "/")
            yield (
                f"| {record.seq} | {record.time[:19]} | {said.step.value} | {what} "
                f"| `{record.hash[:12]}` |"
            )
    yield ""


def _measured(found: Told) -> str:
    if found["value"] is None:
        return str(found["state"])
    text = f"{found['value']:.4g}"
    if found["lower"] is None or found["upper"] is None:
        return text
    return f"{text} ({found['lower']:.4g} to {found['upper']:.4g})"


def _against(e: float | None, bar: float | None) -> str:
    if e is None:
        return "-"
    return f"{e:.3g}" if bar is None else f"{e:.3g} of {bar:.3g}"
