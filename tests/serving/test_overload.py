"""More work than the model can do is refused early, and hurts nobody else."""

import asyncio
import time
from collections import Counter
from typing import Any

import httpx

from packages import Built
from servers import Running, Starter


def test_a_full_queue_refuses_and_health_stays_quick(serve: Starter, loans: Built) -> None:
    """With max_queue waiting the next request gets 503 with Retry-After; health answers meanwhile."""
    server = serve(loans, settings="max_queue: 2")
    statuses, refusal, health = asyncio.run(_storm(server, loans))
    assert set(statuses) == {200, 503}
    assert statuses[200] >= 2
    assert refusal["code"] == "overloaded"
    assert refusal["retry-after"].isdigit()
    assert max(health) < 1.0
    metrics = server.metrics()
    assert 'code="overloaded",model_name="loans",protocol="v1"' in metrics
    assert "timonel_queue_depth{" in metrics
    small = httpx.post(server.v1, json={"instances": loans.rows(1)})
    assert small.status_code == 200


async def _storm(server: Running, loans: Built) -> tuple[Counter[int], dict[str, Any], list[float]]:
    rows = [list(r.values()) for r in loans.rows(500)] * 20
    content = httpx.Request("POST", server.v1, json={"instances": rows}).read()
    limits = httpx.Limits(max_connections=60)
    async with httpx.AsyncClient(timeout=60, limits=limits) as client:
        storm = [asyncio.create_task(client.post(server.v1, content=content)) for _ in range(25)]
        health = []
        while not all(t.done() for t in storm):
            start = time.perf_counter()
            assert (await client.get(f"{server.url}/v2/health/live")).status_code == 200
            health.append(time.perf_counter() - start)
            await asyncio.sleep(0.02)
        answers = [await t for t in storm]
    refused = next(a for a in answers if a.status_code == 503)
    refusal = {**refused.json(), "retry-after": refused.headers["retry-after"]}
    return Counter(a.status_code for a in answers), refusal, health
