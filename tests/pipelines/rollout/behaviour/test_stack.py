"""Versions that serve alike and answer differently, on a real stack: labels reach the real monitor."""

import json
from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Thread

import httpx
import pyarrow.compute as pc
import pytest
import yaml

from packages import make_table
from projects import timonel_here
from rollouts import HASTY, Field, merged, rolling
from timonel.canary import Verdict
from timonel.canary.record.reading import Step, details_of, numbers_of
from timonel.errors import BadInput
from timonel_pipelines.rollout.opening import Site
from timonel_pipelines.rollout.promotion.aliases import Aliases
from timonel_pipelines.rollout.second.judging import SecondLook
from timonel_pipelines.rollout.second.past import past_of
from watching import wait

LOGGED = {
    "data": {"label_delay": "8s"},
    "monitoring": {
        "detector": {"ledger": True, "commit_every": "1s"},
        "monitor": {"ledger": True},
    },
    "release": {"vintage": "4s", "second_margin": 0.05},
}
COMPARED = [
    {"name": "labelled_errors", "kind": "paired"},
    {"name": "labelled_errors[region:south]", "kind": "paired", "support": 30, "weight": 0},
    {"name": "brier", "kind": "loss", "weight": 0.1},
    {"name": "disagreement"},
    {"name": "scores", "kind": "scores", "edges": [x / 10 for x in range(1, 10)]},
]


class Dies(BaseException):
    """Ends a command where it stands."""


class Labels:
    """Who finds out what became true, and tells the monitor."""

    def __init__(self, field: Field) -> None:
        self.site, self.known = field.site, set[str]()
        table = make_table()
        self.truth = dict(
            zip(table["income"].to_pylist(), table["outcome"].to_pylist(), strict=True)
        )

    def tell(self) -> int:
        """Label whatever is logged and was not labelled; how many were."""
        rows = self.site.ledger.rows("predictions").to_table().to_pylist()
        fresh = [r for r in rows if r["prediction_id"] not in self.known and r["score"] is not None]
        labels = [
            {
                "prediction_id": r["prediction_id"],
                "actual": self.truth[r["income"]],
                "arrived_at": (r["event_time"] + timedelta(seconds=1)).isoformat(),
            }
            for r in fresh
        ]
        httpx.post(f"{self.site.monitor}/v1/labels", json=labels, timeout=30).raise_for_status()
        self.known |= {r["prediction_id"] for r in fresh}
        return len(fresh)

    def all_kept(self) -> bool:
        """Whether all that was told is in the ledger."""
        self.tell()
        kept = self.site.ledger.rows("labels").to_table(["prediction_id"])
        return kept.num_rows > 0 and self.known <= set(kept["prediction_id"].to_pylist())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Version 1 serves, predictions and labels are kept."""
    with rolling(tmp_path_factory.mktemp("behaviour"), LOGGED) as found:
        yield found


def comparing(site: Field) -> Field:
    """The same site with a plan that compares answers row by row, and waits for labels on a busy machine."""
    path = site.settings.with_name("comparing.yaml")
    known = yaml.safe_load(site.settings.read_text())
    metrics = [*known["rollout"]["metrics"], *COMPARED]
    compared = {"metrics": metrics, "hold_blocks": 10}
    path.write_text(yaml.safe_dump(merged(known, {"rollout": compared})))
    return Field(path, Site(path, site.site.monitor, site.site.detector), site.load)


def records(site: Field, rollout: str, step: Step) -> list[dict[str, object]]:
    """What the chain says of one step."""
    found = [(r, details_of(r)) for r in site.site.ledger.decisions()]
    return [
        numbers_of(r) | {"hash": r.hash}
        for r, d in found
        if d and (d.rollout, d.step) == (rollout, step)
    ]


def test_a_version_that_is_wrong_more_often_is_rolled_back_by_labels_of_the_same_rows(
    site: Field,
) -> None:
    """Its errors, nulls and scores are the champion's; labels that arrive meanwhile convict it."""
    field, labels, over = comparing(site), Labels(site), Event()

    def labelling() -> None:
        while not over.wait(0.5):
            labels.tell()

    teller = Thread(target=labelling)
    teller.start()
    try:
        store = field.begin(HASTY)
        ended = field.drive(store)
    finally:
        over.set()
        teller.join()
    assert ended.verdict is Verdict.ROLLBACK, ended.reasons
    assert ended.reasons[0].startswith("labelled_errors: the canary is worse")
    blocks = [told["block"] for told in store.blocks()]
    labelled = [b["paired"]["labelled_errors"] for b in blocks if "paired" in b]
    assert sum(b["only_canary"] for b in labelled) > sum(b["only_stable"] for b in labelled)
    pairs = sum(b["n"] for b in labelled)
    south = sum(b["paired"]["labelled_errors[region:south]"]["n"] for b in blocks if "paired" in b)
    assert 0 < south < pairs <= len(labels.known)
    # the same model with another threshold: the scores are one, the decisions are not
    assert all(b["stable"]["histograms"] == b["canary"]["histograms"] for b in blocks)
    assert sum(b["canary"]["counts"]["disagreement"] for b in blocks) > 0


def test_replayed_scores_are_the_served_ones(site: Field) -> None:
    """What both packages say of a logged row is what a predictor answered."""
    driver = comparing(site).site.driver(site.site.rollouts.store(), lambda what, text: None)
    pair = driver.parts.behaviour.pair
    rows = site.site.ledger.rows("predictions").to_table()
    rows = rows.filter(pc.is_valid(rows["score"])).slice(0, 500)
    scored = pair.scorers[0].score(rows)
    assert max(abs(scored.p[:, 1] - rows["score"].to_numpy())) < 1e-6


def test_a_promoted_version_that_is_worse_is_taken_back_by_the_second_verdict(
    site: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looked at labels before; a command that dies before the alias moves is taken up by the next."""
    store, labels = site.begin(HASTY), Labels(site)
    assert site.drive(store).verdict is Verdict.PROMOTE
    assert site.champion() == str(HASTY)
    wait(labels.all_kept, 120)

    def die(*_: object) -> None:
        raise Dies

    with monkeypatch.context() as patched, pytest.raises(Dies):
        patched.setattr(Aliases, "move", die)
        SecondLook(site.site, store, lambda what, text: None).run(wait=True)
    assert site.champion() == str(HASTY)
    assert "second" in site.steps(store)
    told = timonel_here("rollout", "second", *site.arguments()[:2], "--json")
    assert told.returncode == 10, told.stderr
    assert (site.champion(), site.site.stand.router.weights()) == ("1", {"1": 100})
    (judged,) = records(site, store.id, Step.JUDGED)
    *undecided, second = records(site, store.id, Step.SECOND)
    assert {r["verdict"] for r in undecided} <= {"undecided"}
    assert json.loads(told.stdout)["judged"] == second["judged"] == judged["hash"]
    assert (second["verdict"], second["method"]) == ("rollback", "paired")
    before = len(site.site.ledger.decisions())
    assert timonel_here("rollout", "second", *site.arguments()[:2]).returncode == 10
    assert len(site.site.ledger.decisions()) == before
    assert site.site.ledger.verify().whole
    assert (
        "second verdict: rollback" in timonel_here("rollout", "report", "-c", site.settings).stdout
    )


def test_a_promoted_version_that_is_as_good_is_kept(site: Field) -> None:
    """Undecided until its labels have matured, then kept; asked again it says the same."""
    store, labels = site.begin(2), Labels(site)
    assert site.drive(store).verdict is Verdict.PROMOTE
    assert timonel_here("rollout", "second", *site.arguments()[:2]).returncode == 30
    wait(labels.all_kept, 120)
    told = timonel_here("rollout", "second", *site.arguments()[:2], "--wait")
    assert told.returncode == 0, told.stdout + told.stderr
    assert site.champion() == "2"
    assert [r["verdict"] for r in records(site, store.id, Step.SECOND)][-1] == "keep"
    rolled_back = list(site.site.rollouts.all())[-1]
    with pytest.raises(BadInput, match="did not promote"):
        past_of(site.site.ledger.decisions(), "loans", rolled_back.id)
