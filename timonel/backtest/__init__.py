"""Backtest: a labelled table played in the order of time through train, predict, monitor, retrain.

    history = History.of(table, time="occurred_at", label=codes, classes=(0, 1))
    report = backtest(history, trainer, policy("monthly"), Rules(span=parse_span("month")))
    report.to_dict()

Training is handed in (`Trainer`), so that this part needs no learning library. At each instant only
labels that had arrived by then are learnt from or decided by; the figures reported use all of them.
"""

from timonel.backtest.history import History
from timonel.backtest.model import Scorer, Trainer
from timonel.backtest.periods import Period, parse_span
from timonel.backtest.play import Rules
from timonel.backtest.policies import policy
from timonel.backtest.policy import (
    Decision,
    Policy,
    Retrain,
    Situation,
    Veto,
    Wait,
)
from timonel.backtest.report import Report
from timonel.backtest.run import backtest
from timonel.backtest.watch import Alarm

__all__ = [
    "Alarm",
    "Decision",
    "History",
    "Period",
    "Policy",
    "Report",
    "Retrain",
    "Rules",
    "Scorer",
    "Situation",
    "Trainer",
    "Veto",
    "Wait",
    "backtest",
    "parse_span",
    "policy",
]
