"""Walks the chain of a decision: ledger, trigger, diagnosis, decision, run, data, version, gates, rollout."""

from collections.abc import Iterator, Sequence

from timonel.canary.record.reading import KIND as ROLLOUT
from timonel.canary.record.reading import Step as RolloutStep
from timonel.canary.record.reading import details_of, numbers_of
from timonel.ledger import Record, Verdict
from timonel.retraining import Answer
from timonel_pipelines.audit.link import Found, Link
from timonel_pipelines.audit.records import Story
from timonel_pipelines.audit.registered import data_link, run_link, version_link
from timonel_pipelines.retraining.looking import Site

MAKES = (Answer.RETRAIN, Answer.RECALIBRATE, Answer.MOVE_THRESHOLD)
"""Answers that make a version."""


def walk(site: Site, story: Story, records: Sequence[Record], verdict: Verdict) -> tuple[Link, ...]:
    """Every link in its order; none is left out, those that are not there say so."""
    return (
        _ledger(verdict),
        _trigger(story),
        _diagnosis(story, records),
        _decision(story),
        _carried_out(story),
        *_made(site, story, records),
        _champion(site, story),
    )


def _ledger(verdict: Verdict) -> Link:
    ids = {"head": verdict.head}
    if verdict.whole:
        return Link(
            "ledger", Found.HOLDS, f"{verdict.records} records, none was changed", dict(ids)
        )
    broken = "; ".join(breach.what for breach in verdict.breaches)
    return Link("ledger", Found.DIFFERS, broken, dict(ids))


def _trigger(story: Story) -> Link:
    found = story.decided.details.get("decision", {}).get("triggers") or []
    if not found:
        return Link("trigger", Found.MISSING, "nothing asked for a retraining")
    said = "; ".join(f"{one['kind']}: {one['what']}" for one in found)
    return Link("trigger", Found.HOLDS, said, {"since": found[0].get("since")})


def _diagnosis(story: Story, records: Sequence[Record]) -> Link:
    link = story.decided.details.get("diagnosis")
    if not link:
        return Link("diagnosis", Found.MISSING, "it was decided without one")
    found = next((one for one in records if one.seq == link["seq"]), None)
    if found is None:
        return Link("diagnosis", Found.DIFFERS, f"record {link['seq']} is gone", dict(link))
    if found.hash != link["hash"]:
        said = f"record {found.seq} is another one than the decision names"
        return Link("diagnosis", Found.DIFFERS, said, {**link, "hash_now": found.hash})
    return Link("diagnosis", Found.HOLDS, f"record {found.seq}: {found.summary}", dict(link))


def _decision(story: Story) -> Link:
    record = story.decided.record
    ids = {"seq": record.seq, "hash": record.hash, "key": story.decided.details.get("key")}
    said = f"record {record.seq}, {record.time[:16]}: {record.summary}"
    return Link("decision", Found.HOLDS, said, ids)


def _carried_out(story: Story) -> Link:
    if story.answer not in (*MAKES, Answer.ROLL_BACK):
        return Link("action", Found.NOT_NEEDED, f"{story.answer}: nothing was to be carried out")
    if story.started is None:
        return Link("action", Found.MISSING, "it was never started")
    begun = story.started.record
    if story.ended is None:
        return Link("action", Found.MISSING, f"record {begun.seq} started it, none ended it")
    end = story.ended.record
    ids = {"started": begun.hash, "ended": end.hash}
    said = f"records {begun.seq} to {end.seq}, {story.fact('outcome')}: {end.summary}"
    return Link("action", Found.HOLDS, said, dict(ids))


def _made(site: Site, story: Story, records: Sequence[Record]) -> Iterator[Link]:
    names = ("run", "data", "version", "gates", "rollout")
    if story.answer not in MAKES:
        yield from (Link(name, Found.NOT_NEEDED, "no version was to be made") for name in names)
        return
    yield run_link(site, story)
    yield data_link(site, story)
    yield version_link(site, story)
    yield _gates(story)
    yield _rollout(story, records)


def _gates(story: Story) -> Link:
    gates = story.fact("gates")
    if not gates:
        return Link("gates", Found.MISSING, "the record holds no gate")
    held = sum(bool(one.get("passed")) for one in gates)
    if held < len(gates) and story.fact("version"):
        said = f"{held} of {len(gates)} hold, and a version was registered all the same"
        return Link("gates", Found.DIFFERS, said)
    return Link("gates", Found.HOLDS, f"{held} of {len(gates)} hold")


def _rollout(story: Story, records: Sequence[Record]) -> Link:
    version = story.fact("version")
    own = [
        (one, said)
        for one in records
        if one.kind == ROLLOUT and version is not None and one.version == str(version)
        if (said := details_of(one)) is not None
    ]
    if not own:
        return Link("rollout", Found.MISSING, "the version was not released beside another one")
    ids = {"rollout": own[-1][1].rollout}
    ends = [one for one, said in own if said.step is RolloutStep.ENDED]
    if not ends:
        return Link("rollout", Found.MISSING, f"{ids['rollout']} has not ended", dict(ids))
    started = next((one for one, said in own if said.step is RolloutStep.STARTED), None)
    judged = (numbers_of(started).get("challenger") or {}).get("digest") if started else None
    wanted = story.fact("package_digest")
    if judged and wanted and judged != wanted:
        why = f"{ids['rollout']} released another package than was registered"
        return Link("rollout", Found.DIFFERS, why, {**ids, "digest": judged})
    ended = f"{ids['rollout']} ended with {numbers_of(ends[-1]).get('verdict')}"
    return Link("rollout", Found.HOLDS, ended, dict(ids))


def _champion(site: Site, story: Story) -> Link:
    now, package = site.champion
    version = story.fact("version")
    ids = {"version": now, "digest": package.digest}
    if version is None:
        return Link("champion", Found.HOLDS, f"version {now} serves", dict(ids))
    if str(version) == now:
        return Link("champion", Found.HOLDS, f"version {now}, of this decision", dict(ids))
    return Link(
        "champion", Found.MISSING, f"version {now} serves, not version {version}", dict(ids)
    )
