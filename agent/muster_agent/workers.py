"""A few daemon threads that run handlers and sources."""

import logging
import queue
import threading
from collections.abc import Callable

_log = logging.getLogger("muster_agent")


class Workers:
    """Runs jobs in the order given, in a fixed number of threads.

    The threads are daemons: a handler that never returns does not keep the process alive (its
    execution is settled at the next start).
    """

    def __init__(self, count: int, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._loop, name=f"{name}-{i}", daemon=True)
            for i in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Callable[[], None]) -> None:
        """Have a job run."""
        self._jobs.put(job)

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                _log.exception("a job of %s failed", threading.current_thread().name)

    def stop(self) -> None:
        """Let the threads end after what they are doing; does not wait."""
        for _ in self._threads:
            self._jobs.put(None)
