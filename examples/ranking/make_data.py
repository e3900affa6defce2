"""Make data.parquet: who began to follow which podcast, and when; tastes drift over 18 months.

Simulated, seeded: the same rows each time. What happens in it:
- 400 shows of 12 topics; a show's place in a space of 8 hidden traits is near that of its topic. 60
  shows begin only later.
- 1,200 listeners join over time, a third of them after the first year. Each follows 8 to 90 shows, no
  show twice, with a probability that rises with how well the show fits the listener's taste at that
  moment and with the show's popularity, which comes and goes.
- Drift: each listener's taste turns, at a moment of its own and over about 90 days, towards another
  topic. From October 2025 on one topic in twelve (`true crime`) loses its public, one (`science`)
  gains it.

Run: python examples/ranking/make_data.py
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 20250101
START, DAYS = np.datetime64("2024-07-01", "us"), 548
TOPICS = ["business", "comedy", "culture", "economics", "gardening", "history"]
TOPICS += ["music", "news", "science", "sports", "travel", "true crime"]
SHOWS, NEW_SHOWS, LISTENERS, TRAITS = 400, 60, 1200, 8
FIT, FAME = 4.5, 0.7
SHIFT_DAY, SHIFT = 457, {"true crime": -2.0, "science": 1.2}


@dataclass(frozen=True)
class Shows:
    """The catalogue."""

    topic: NDArray[np.int64]
    traits: Floats
    fame: Floats
    peak: Floats
    """The day on which the show is most talked of."""
    begins: Floats

    def appeal(self, day: float) -> Floats:
        """What a show has for everybody on a day; a show that has not begun has none."""
        talk = np.exp(-(((day - self.peak) / 120) ** 2))
        moved = np.zeros(SHOWS)
        for name, size in SHIFT.items():
            moved[self.topic == TOPICS.index(name)] = size / (1 + np.exp((SHIFT_DAY - day) / 10))
        return np.where(day < self.begins, -np.inf, FAME * (self.fame + talk) + moved)


def unit(vectors: Floats) -> Floats:
    """Vectors of length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def make_shows(rng: np.random.Generator, centres: Floats) -> Shows:
    """Shows around the centres of their topics."""
    topic = rng.integers(0, len(TOPICS), SHOWS)
    begins = np.zeros(SHOWS)
    begins[SHOWS - NEW_SHOWS :] = rng.uniform(60, DAYS - 60, NEW_SHOWS)
    return Shows(
        topic,
        unit(centres[topic] + 0.25 * rng.normal(size=(SHOWS, TRAITS))),
        rng.normal(size=SHOWS),
        rng.uniform(-100, DAYS + 100, SHOWS),
        begins,
    )


def follow(rng: np.random.Generator, shows: Shows, centres: Floats) -> tuple[Floats, list[int]]:
    """The days and the shows of one listener, in the order of time."""
    joined = 0.0 if rng.random() < 0.4 else rng.uniform(0, DAYS - 20)
    size = max(8, int(rng.lognormal(3.6, 0.5) * (DAYS - joined) / DAYS))
    days = np.sort(rng.uniform(joined, DAYS, min(size, 90)))
    before, after = rng.choice(len(TOPICS), 2, replace=False)
    turn = rng.uniform(joined, DAYS + 60)
    own = 0.3 * rng.normal(size=TRAITS)
    followed: list[int] = []
    for day in days:
        share = 1 / (1 + np.exp((turn - day) / 20))
        taste = unit((1 - share) * centres[before] + share * centres[after] + own)
        utility = FIT * shows.traits @ taste + shows.appeal(day) + rng.gumbel(size=SHOWS)
        utility[followed] = -np.inf
        followed.append(int(utility.argmax()))
    return days, followed


def make_table(seed: int = SEED) -> pa.Table:
    """All listeners' choices in the order of time."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(len(TOPICS), TRAITS)))
    shows = make_shows(rng, centres)
    histories = [follow(rng, shows, centres) for _ in range(LISTENERS)]
    who = np.repeat(np.arange(LISTENERS), [len(days) for days, _ in histories])
    day = np.concatenate([days for days, _ in histories])
    show = np.concatenate([followed for _, followed in histories])
    order = np.argsort(day, kind="stable")
    who, day, show = who[order], day[order], show[order]
    at = START + (day * 86_400).astype("timedelta64[s]")
    return pa.table(
        {
            "event_id": np.arange(len(who)),
            "followed_at": pa.array(at).cast(pa.timestamp("us", tz="UTC")),
            "listener": [f"L{code:04d}" for code in who],
            "show": [f"S{code:03d}" for code in show],
            "topic": [TOPICS[code] for code in shows.topic[show]],
        }
    )


def main() -> None:
    """Write data.parquet beside this file."""
    path = Path(__file__).with_name("data.parquet")
    table = make_table()
    pq.write_table(table, path, compression="zstd")
    print(f"{path.name}: {table.num_rows:,} rows, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
