"""`timonel canary`: plan a release, judge it from blocks, explain the verdict, simulate the judge."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timonel.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from timonel.errors import BadInput

if TYPE_CHECKING:
    from timonel.canary import Block, CanaryPlan

Blocks = Annotated[
    Path, typer.Argument(help="Blocks as JSON lines, in the order of time; - reads standard input.")
]
History = Annotated[
    Path | None,
    typer.Option(help="Blocks of the champion against itself, to learn base rates and noise from."),
]
BaseRates = Annotated[
    list[str] | None, typer.Option("--base-rate", help="NAME=RATE of the champion; repeat it.")
]
Rps = Annotated[float, typer.Option(min=1e-6, help="Requests a second of both versions together.")]
LONGEST_LINE = 1 << 20


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    canary = typer.Typer(
        help="Whether a new version is as good as the one it replaces: the judge of releases.",
        no_args_is_help=True,
    )
    for command in (plan, judge, explain, simulate):
        canary.command(command.__name__)(command)
    app.add_typer(canary, name="canary")


def plan(
    rps: Rps,
    config: ConfigPath = DEFAULT_CONFIG,
    base_rate: BaseRates = None,
    history: History = None,
    as_json: Json = False,
) -> None:
    """Say how much traffic and time the canary of timonel.yaml needs; refuse one that cannot be decided."""
    from timonel.cli import canary_story

    made = _plan(config, history)
    traffic = made.required_traffic(rps * made.block.total_seconds(), _rates(base_rate))
    shown = json.dumps(traffic.to_dict()) if as_json else canary_story.traffic(made, traffic)
    typer.echo(shown)


def judge(
    blocks: Blocks,
    config: ConfigPath = DEFAULT_CONFIG,
    history: History = None,
    state: Annotated[
        Path | None,
        typer.Option(help="File to take the judge up from, and to leave it in afterwards."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge blocks; exit 0 to promote, 10 to roll back, 20 to go on, 30 if inconclusive."""
    from timonel.canary import CanaryJudge
    from timonel.cli import canary_story
    from timonel.files import staged_file

    made = _plan(config, history)
    known = state is not None and state.exists()
    judging = (
        CanaryJudge.restore(made, state.read_bytes()) if state and known else CanaryJudge(made)
    )
    decision = judging.replay(_read(blocks))
    if state is not None:
        with staged_file(state) as stage:
            stage.write_bytes(judging.state())
    typer.echo(decision.to_json() if as_json else canary_story.decision(decision))
    raise typer.Exit(decision.verdict.exit_code)


def explain(blocks: Blocks, config: ConfigPath = DEFAULT_CONFIG, history: History = None) -> None:
    """Show how the evidence came about, block by block, up to the verdict."""
    from timonel.canary import CanaryJudge
    from timonel.cli import canary_story

    judging = CanaryJudge(_plan(config, history))
    decisions = []
    for block in _read(blocks):
        decisions.append((block, judging.update(block)))
        if decisions[-1][1].final:
            break
    if not decisions:
        raise BadInput(f"{blocks} holds no block", fix="give at least one")
    typer.echo(canary_story.course(decisions))


def simulate(
    rps: Rps,
    config: ConfigPath = DEFAULT_CONFIG,
    base_rate: Annotated[float, typer.Option(min=1e-6, max=0.5, help="Of the champion.")] = 0.005,
    harm: Annotated[float, typer.Option(min=1.0, help="A bad canary's rate over that.")] = 2.0,
    share: Annotated[
        float | None, typer.Option(min=0.01, max=99, help="Percent; default: the first step.")
    ] = None,
    runs: Annotated[int, typer.Option(min=20, max=100_000)] = 500,
    history: Annotated[
        int, typer.Option(min=0, max=20_000, help="Blocks before the start.")
    ] = 1440,
    seed: int = 0,
    as_json: Json = False,
) -> None:
    """Play this plan's judge on made-up traffic, next to rules that are common practice."""
    from timonel.canary.simulate import Scenario
    from timonel.canary.simulate.table import compare
    from timonel.cli import canary_story

    made = _plan(config, None)
    scenario = Scenario(
        requests=rps * made.block.total_seconds(),
        share=(share or made.steps[0]) / 100,
        base_rate=base_rate,
        blocks=made.max_blocks,
    )
    found = list(compare(made, scenario, harm, runs, seed, history))
    if as_json:
        typer.echo(json.dumps([r.to_dict() for r in found]))
    else:
        typer.echo(canary_story.simulated(made, scenario, harm, found))


def _plan(config: Path, history: Path | None) -> "CanaryPlan":
    from timonel.canary import CanaryPlan
    from timonel.config import load_config

    made = CanaryPlan.from_config(load_config(config))
    return made if history is None else made.learn(_read(history))


def _read(path: Path) -> Iterator["Block"]:
    from timonel.canary import Block

    try:
        lines = sys.stdin if str(path) == "-" else path.open(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    with lines:
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE), ""), start=1):
            if not line.strip():
                continue
            try:
                block = Block.from_json(line)
            except BadInput as error:
                raise BadInput(f"{path}, line {number}: {error.message}") from None
            yield block


def _rates(given: list[str] | None) -> dict[str, float]:
    rates = {}
    for text in given or ():
        name, _, value = text.rpartition("=")
        try:
            rates[name] = float(value)
        except ValueError:
            raise BadInput(
                f"--base-rate {text}: expected NAME=RATE, such as errors=0.005"
            ) from None
    return rates
