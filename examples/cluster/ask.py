"""Ask a model on a cluster for rows of a table until Ctrl-C: ask.py GATEWAY HOST MODEL TABLE."""

import sys
import time
from collections import Counter
from itertools import cycle
from pathlib import Path

import httpx

from timonel.tables import read_table

PAUSE = 0.05
"""Seconds between two requests."""


def main(gateway: str, host: str, model: str, path: str) -> None:
    """Print how many answers each version has given, by status, every five seconds."""
    table = read_table(Path(path))
    unasked = [n for n in ("severe", "occurred_at", "accident_id") if n in table.column_names]
    rows = table.drop_columns(unasked).slice(table.num_rows - 2000).to_pylist()
    answers: Counter[str] = Counter()
    told = time.monotonic()
    with httpx.Client(base_url=gateway, headers={"Host": host}, timeout=30) as client:
        for row in cycle(rows):
            answer = client.post(f"/v1/models/{model}:predict", json={"instances": [row]})
            answers[f"{answer.status_code} by {answer.headers.get('x-timonel-version')}"] += 1
            if time.monotonic() - told > 5:
                print(", ".join(f"{n} x {what}" for what, n in sorted(answers.items())), flush=True)
                told = time.monotonic()
            time.sleep(PAUSE)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(0)
