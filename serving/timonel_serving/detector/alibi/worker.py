"""The process that runs Alibi Detect: `python -m timonel_serving.detector.alibi.worker`.

Frames come in on standard input: the plan, the reference's rows, then one window after the other. Lines of
JSON go out on standard output: that it is ready, or why it never will be, then one verdict a window. It
ends with its parent, however that dies: standard input is then at its end.
"""

import os
import queue
import resource
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

import orjson

from timonel.drift.alibi import AlibiDetector
from timonel.errors import BadInput, Corrupt
from timonel_serving.detector.alibi.detectors import make_detector
from timonel_serving.detector.alibi.frames import read_frame, table_of
from timonel_serving.detector.alibi.messages import Note, Plan, Ready, Refused, Verdict

_PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> NoReturn:
    """Say verdicts until standard input ends."""
    status = 1
    try:
        _run()
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(
            status
        )  # the thread that reads holds standard input, for which an orderly exit would wait


def _run() -> None:
    answers = _own_output()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this one
    _stand_back()
    head, reference = read_frame(sys.stdin.buffer), read_frame(sys.stdin.buffer)
    if head is None or reference is None:
        return
    plan, rows = Plan.model_validate_json(head), table_of(reference)
    _limit_memory(plan.memory_mb)
    frames: queue.Queue[bytes] = queue.Queue(maxsize=1)
    threading.Thread(target=_read, args=(frames,), name="windows", daemon=True).start()
    try:
        detector, digest = make_detector(plan, rows)
    except (BadInput, Corrupt) as error:
        _say(answers, Refused(problem=str(error)))
        return
    del rows, reference
    _say(answers, Ready(detector=detector.name, digest=digest, memory=_resident()))
    while True:
        _say(answers, _judge(detector, frames.get()))


def _judge(detector: AlibiDetector, frame: bytes) -> Verdict:
    start = time.perf_counter()
    report = detector.predict(table_of(frame))
    if report.state == "failed" and (report.problem or "").startswith("MemoryError"):
        raise MemoryError(report.problem)
    seconds = time.perf_counter() - start
    return Verdict(report=report.to_dict(), seconds=seconds, memory=_resident())


def _read(frames: "queue.Queue[bytes]") -> None:
    """Hand on the windows; end the process with its parent, also in the midst of a verdict."""
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        frames.put(frame)
    os._exit(0)


def _own_output() -> BinaryIO:
    """Standard output for answers only: what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _stand_back() -> None:
    """Answers and folding come first, for the processor and, where memory ends, for the kernel."""
    os.nice(10)
    with suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text("1000")


def _limit_memory(megabytes: float) -> None:
    limit = int(megabytes * 2**20)
    with suppress(ValueError, OSError):  # a lower limit is set already
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _resident() -> int:
    with suppress(OSError):  # Linux only
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _say(answers: BinaryIO, note: Note) -> None:
    answers.write(orjson.dumps(note.model_dump()) + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
