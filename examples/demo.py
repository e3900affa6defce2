"""The whole way on real data, from a table to a watched model, told as it happens.

    python examples/demo.py accidents                    # start to finish, then everything is stopped
    python examples/demo.py accidents --stay             # leaves it running until Ctrl-C
    python examples/demo.py accidents --incident seed    # with a fault in the traffic, until it is found
    python examples/demo.py accidents --incident unit_change    # until it is over

It runs the same commands as a person would, so it also shows them.
"""

import argparse
import signal
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.compute as pc
from incident import play_through
from online import Online, play, watched
from predictors import Server, served, train
from telling import EXAMPLES, command, console, say, stop

from timonel.config import Config, Task, load_config
from timonel.contract import DataContract
from timonel.faults import Severity
from timonel.tables import read_table
from timonel_serving.replay.drill import SEED
from timonel_serving.replay.scorer import tensors

ROWS = 3
REQUESTS = 200
K, LENGTH = "k", 5
"""The field that asks for the length of a list, and how long a list is asked for."""


def main() -> None:
    """Tell the story; the exit code is that of the first command that fails."""
    arguments = parse()
    began = time.monotonic()
    settings = EXAMPLES / arguments.example / "timonel.yaml"
    config = load_config(settings)
    console.print(f"[bold]Timonel[/] · {config.model.name}: {config.model.description}\n")
    if arguments.incident not in (None, SEED) and not arguments.stay:
        play_through(settings, arguments.incident, Severity(arguments.severity))
        console.print(f"\n[bold green]done[/] in {time.monotonic() - began:.0f} s")
        return
    train(settings)
    with ExitStack() as running:
        with served(settings, fixed_ports=arguments.stay) as server:
            ask(server, config)
            online = watch(running, server, settings, arguments)
        console.print(f"\n[bold green]done[/] in {time.monotonic() - began:.0f} s")
        if arguments.stay:
            # from now on what people ask is watched, too
            log = () if online is None else ("--log-url", online.detector)
            live = running.enter_context(served(settings, fixed_ports=True, more=log))
            stay(live, settings, online)


def watch(
    running: ExitStack, server: Server, settings: Path, arguments: argparse.Namespace
) -> Online | None:
    """Start what watches, and play a fortnight; None for a ranker, whose lists cannot be played yet."""
    if server.contract.ranking is not None:
        return None
    package = server.facts["package"]
    online = running.enter_context(watched(settings, package, fixed_ports=arguments.stay))
    play(online, settings, package, server.facts["rest"], arguments)
    return online


def parse() -> argparse.Namespace:
    """Read the command line."""
    known = sorted(p.parent.name for p in EXAMPLES.glob("*/timonel.yaml"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("example", choices=known, nargs="?", default="accidents")
    parser.add_argument("--stay", action="store_true", help="leave it running until Ctrl-C")
    parser.add_argument("--incident", help="a fault to play: seed, or one of timonel.faults")
    parser.add_argument(
        "--severity", choices=[*Severity], default="high", help="of a fault that is played through"
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long playing takes")
    return parser.parse_args()


def ask(server: Server, config: Config) -> None:
    """Send real requests, then one that is refused."""
    table = read_table(Path(config.source))
    if config.model.task is Task.RANKING:
        ask_for_lists(server, table)
    else:
        ask_for_classes(server, table, config)


def ask_for_lists(server: Server, table: pa.Table) -> None:
    """The lists of the newest users and of one whom nobody knows, then a list of no length."""
    user, item = str(server.contract.entity), server.contract.target
    users = [*dict.fromkeys(reversed(table[user].to_pylist()))][:ROWS]
    with httpx.Client(timeout=30) as client:
        console.print("\n[dim]the users of the newest rows, and one who is new (V1)[/]")
        rows = [{user: name, K: LENGTH} for name in [*users, "new user"]]
        body = client.post(server.v1, json={"instances": rows}).raise_for_status().json()
        for row, items, cold in zip(rows, body["predictions"], body["cold_start"], strict=True):
            say(row[user][:10], f"{item}s {'  '.join(items)}{'  (cold start)' if cold else ''}")
        console.print("[dim]the same users, as tensors (V2)[/]")
        names = pa.table({user: [row[user] for row in rows], K: [LENGTH] * len(rows)})
        answer = client.post(server.v2, json={"inputs": tensors(names)}).raise_for_status()
        outputs = {o["name"]: o["data"] for o in answer.json()["outputs"]}
        if outputs["predict"] != [name for items in body["predictions"] for name in items]:
            sys.exit("error: V1 and V2 differ on the same users")
        say("", f"HTTP {answer.status_code}, the same as by V1")
        console.print("[dim]a list of no length[/]")
        show_refusal(client.post(server.v1, json={"instances": [{user: users[0], K: 0}]}))
        console.print(f"[dim]one user at a time, {REQUESTS} times[/]")
        show_speed(client, server, {user: users[0]})


def ask_for_classes(server: Server, everything: pa.Table, config: Config) -> None:
    """The newest rows of the table, then one that breaks the contract."""
    table = newest_of_each(everything, server.contract)
    rows = table.select([c.name for c in server.contract.features])
    truth = table[config.data.target].to_pylist()
    with httpx.Client(timeout=30) as client:
        console.print("\n[dim]the newest rows of each class, as objects (V1)[/]")
        answer = client.post(server.v1, json={"instances": rows.to_pylist()})
        show_v1(answer, truth)
        console.print("[dim]the same rows, a tensor a column (V2)[/]")
        show_v2(client.post(server.v2, json={"inputs": tensors(rows)}), answer.json()["scores"])
        console.print("[dim]a row that breaks the data contract[/]")
        show_refusal(
            client.post(server.v1, json={"instances": [broken(rows.to_pylist()[0], server)]})
        )
        console.print(f"[dim]one row at a time, {REQUESTS} times[/]")
        show_speed(client, server, rows.to_pylist()[0])


def newest_of_each(table: pa.Table, contract: DataContract) -> pa.Table:
    """The last rows of each class."""
    target = table[contract.target]
    parts = [table.filter(pc.equal(target, label)) for label in contract.classes]
    return pa.concat_tables([part.slice(max(0, part.num_rows - ROWS)) for part in parts])


def broken(row: dict[str, Any], server: Server) -> dict[str, Any]:
    """The row with its first feature made impossible."""
    first = server.contract.features[0]
    return row | {first.name: 1e9 if first.kind == "numeric" else None}


def show_v1(answer: httpx.Response, truth: list[Any]) -> None:
    """The predictions beside what really happened."""
    body = answer.raise_for_status().json()
    say("score", "  ".join(f"{score:6.3f}" for score in body["scores"]))
    say("predicted", "  ".join(f"{label!s:>6}" for label in body["predictions"]))
    say("truth", "  ".join(f"{label!s:>6}" for label in truth))
    version, request = answer.headers["x-timonel-version"], body["id"]
    say("", f"HTTP {answer.status_code}, x-timonel-version {version}, id {request}")


def show_v2(answer: httpx.Response, expected: list[float]) -> None:
    """The outputs, and that both protocols agree."""
    outputs = {o["name"]: o["data"] for o in answer.raise_for_status().json()["outputs"]}
    say("score", "  ".join(f"{score:6.3f}" for score in outputs["score"]))
    gap = max(abs(a - b) for a, b in zip(outputs["score"], expected, strict=True))
    if gap > 1e-6:
        sys.exit(f"error: V1 and V2 differ by {gap:g} on the same rows")
    say("", f"HTTP {answer.status_code}, the same as by V1")


def show_refusal(answer: httpx.Response) -> None:
    """The answer to a row that is refused."""
    if answer.status_code != httpx.codes.BAD_REQUEST:
        sys.exit(f"error: the row was answered {answer.status_code}, expected 400")
    say("refused", f"HTTP {answer.status_code}: {answer.json()['error']}")


def show_speed(client: httpx.Client, server: Server, row: dict[str, Any]) -> None:
    """How long an answer takes, as this client sees it."""
    spent = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        client.post(server.v1, json={"instances": [row]}).raise_for_status()
        spent.append((time.perf_counter() - began) * 1e3)
    p50, p95 = (statistics.quantiles(spent, n=20)[i] for i in (9, 18))
    say("latency", f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, client included")


def stay(server: Server, settings: Path, online: Online | None) -> None:
    """Print where everything is, and wait for Ctrl-C."""
    facts, serving = server.facts, load_config(settings).serving
    console.print()
    registry = subprocess.Popen(
        command("ui", "-c", settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        console.print("\nleft running, Ctrl-C stops it")
        say("V1", server.v1)
        say("V2", server.v2)
        say("gRPC", str(facts["grpc"]))
        if server.contract.ranking is None:
            at = f"http://{serving.host}:{serving.explain_port}"
            say("explain", f"{at}/v1/models/{facts['model']}:explain")
        if online is not None:
            say("page", f"{online.monitor}/models/{online.model}")
            say("labels", f"{online.monitor}/v1/models/{online.model}/labels")
        say("metrics", f"{facts['rest']}/metrics")
        say("registry", "http://127.0.0.1:5000 (MLflow, some seconds after the start)")
        say("package", facts["package"])
        server.process.wait()
    finally:
        stop(registry)


if __name__ == "__main__":
    # a stop from outside ends what was started, as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        console.print("\nstopped")
        sys.exit(130)
