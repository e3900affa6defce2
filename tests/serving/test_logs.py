"""What the processes log: JSON, a line each, with what is needed to find a request again."""

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from packages import Built
from servers import Running, Starter
from timonel_serving.logs import JsonFormatter, logged_as


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What a logger says as JSON."""
    found: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(self.format(record))

    handler, logger = Kept(), logging.getLogger("timonel.test")
    handler.setFormatter(JsonFormatter({"process": "detector", "model": "fraud"}))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)


def test_a_line_has_its_fields_and_those_of_its_context(lines: list[str]) -> None:
    """Whatever is said, it is one line of JSON."""
    logger = logging.getLogger("timonel.test")
    with logged_as(request_id="r-1", version=None):
        logger.info("labels\ntaken %s", "now", extra={"rows": 3, "odd": {1: object}})
    logger.info("after")
    first, second = map(json.loads, lines)
    assert "\n" not in lines[0]
    assert (first["level"], first["message"]) == ("info", "labels\ntaken now")
    assert (first["process"], first["model"], first["request_id"]) == ("detector", "fraud", "r-1")
    assert first["rows"] == 3
    assert "version" not in first
    assert "request_id" not in second


def test_what_ends_a_process_is_a_line_too() -> None:
    """An error that nobody foresaw, with its traceback, as JSON."""
    code = "from timonel_serving.logs import set_up; set_up('monitor'); 1 / 0"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    (line,) = map(json.loads, done.stderr.splitlines())
    assert done.returncode == 1
    assert (line["level"], line["process"]) == ("critical", "monitor")
    assert "ZeroDivisionError" in line["exception"]


def test_the_predictor_logs_json(serve: Starter, loans: Built) -> None:
    """With its model and version; no value of a feature at info."""
    server: Running = serve(loans, "--model-version", "7", "--verbose")
    httpx.post(server.v1, json={"instances": loans.rows(1)})
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(20)
    lines = [json.loads(line) for line in server.errors.read_text().splitlines()]
    assert lines
    said = {(one["process"], one["model"], one["version"]) for one in lines}
    assert said == {("predictor", server.facts["model"], "7")}
