"""The canary: is a new version as good as the one it replaces? Asked at any time, answered with numbers."""

from timonel.canary.block import Arm, Block, Moments, Paired
from timonel.canary.decision import Decision, MetricEvidence
from timonel.canary.judge import CanaryJudge
from timonel.canary.metric import Metric
from timonel.canary.plan import CanaryPlan
from timonel.canary.second import Pair, Second, SecondVerdict, Vintage, second_verdict
from timonel.canary.second_paired import PairedVintage, second_verdict_paired
from timonel.canary.timeline import evidence_course
from timonel.canary.traffic import Traffic
from timonel.canary.verdict import Verdict

__all__ = [
    "Arm",
    "Block",
    "CanaryJudge",
    "CanaryPlan",
    "Decision",
    "Metric",
    "MetricEvidence",
    "Moments",
    "Pair",
    "Paired",
    "PairedVintage",
    "Second",
    "SecondVerdict",
    "Traffic",
    "Verdict",
    "Vintage",
    "evidence_course",
    "second_verdict",
    "second_verdict_paired",
]
