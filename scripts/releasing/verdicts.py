"""The judge's verdicts and the exit codes that stand for them."""

CODES = {"promote": 0, "rollback": 10, "continue": 20, "inconclusive": 30}
ENDS = frozenset(CODES) - {"continue"}
