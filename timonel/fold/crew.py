"""Processes that work through tasks; with one worker the tasks run here."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process, resource_tracker
from typing import Any, TypeVar

from timonel.errors import Unavailable

T = TypeVar("T")


class Crew:
    """Runs tasks, each a function of picklable arguments; results come as they are ready."""

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self._pool = pool

    def run(self, task: Callable[..., T], arguments: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        """The results, in no order."""
        if self._pool is None:
            yield from (task(*given) for given in arguments)
            return
        try:
            with _deaf_to_ctrl_c():
                started = [self._pool.submit(task, *given) for given in arguments]
            yield from (one.result() for one in as_completed(started))
        except BrokenProcessPool as error:
            raise Unavailable(
                "a worker process was killed",
                why="most likely memory ran out",
                fix="give fewer --workers",
            ) from error


@contextmanager
def crew(workers: int) -> Iterator[Crew]:
    """So many processes; when the block ends early they end with the task in hand."""
    if workers == 1:
        yield Crew(None)
        return
    # spawned: forking a process whose libraries have threads can hang
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_enlist)
    try:
        yield Crew(pool)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What is started here never gets SIGINT, not even as its interpreter starts: the parent answers.

    The parent hears it at the end: the mask is inherited by what is started, but another thread of the
    parent may take the signal, and its handler would then end the start half-way.
    """
    resource_tracker.ensure_running()  # started within, it would unblock SIGINT
    heard: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number)) if main else None
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if main:
            signal.signal(signal.SIGINT, handler)
        for number in heard[:1]:
            signal.raise_signal(number)


def _enlist() -> None:
    import pyarrow as pa

    pa.set_cpu_count(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
