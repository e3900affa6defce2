"""What the predictor counts, with the version on each series and a bound on their number."""

import httpx
from prometheus_client import CollectorRegistry, generate_latest

from packages import Built
from servers import Running
from timonel.contract import Rule, Violation
from timonel_serving.metrics import Metrics


def test_violations_cannot_flood_the_metrics() -> None:
    """However many columns break rules, the number of series is bounded; what is beyond is summed."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, model="m", version="1")
    for i in range(1500):
        metrics.violations([Violation(f"c{i}", Rule.RANGE, "0 to 1", "2", rows=2)])
    lines = generate_latest(registry).decode().splitlines()
    series = [x for x in lines if x.startswith("timonel_contract_violations_total{")]
    assert len(series) == 1001
    (other,) = (x for x in series if 'column="(other)"' in x)
    assert float(other.split()[-1]) == 1000.0


def test_requests_are_counted_by_outcome_and_version(server: Running, loans: Built) -> None:
    """Answers and refusals appear by code; KServe's own histograms count the same requests."""
    before = _values(server)
    httpx.post(server.v1, json={"instances": loans.rows(3)})
    httpx.post(server.v1, content=b"{")
    after = _values(server)

    def grown(series: str) -> float:
        return after.get(series, 0) - before.get(series, 0)

    who = 'model_name="loans",protocol="v1",version="7"'
    assert grown(f'timonel_requests_total{{code="ok",{who}}}') == 1
    assert grown(f'timonel_requests_total{{code="malformed",{who}}}') == 1
    assert grown('timonel_rows_total{model_name="loans",version="7"}') == 3
    assert grown('request_predict_seconds_count{model_name="loans"}') == 1
    digest = loans.package.digest
    info = f'backend="onnx",digest="{digest}",model_name="loans",version="7"'
    assert after[f"timonel_model_info{{{info}}}"] == 1


def _values(server: Running) -> dict[str, float]:
    lines = [x for x in server.metrics().splitlines() if x and not x.startswith("#")]
    return {series: float(value) for series, value in (x.rsplit(" ", 1) for x in lines)}
