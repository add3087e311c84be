"""Starts parts in order, restarts what ends or hangs with back-off, stops all in reverse."""

import json
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from muster_platform.up.parts import Part
from muster_platform.up.process import Process

BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
GOOD_RUN_S = 60.0
"""After so long a run the next failure starts with the shortest back-off again."""
PROBE_EVERY_S = 5.0
HUNG_S = 60.0
TICK_S = 0.2

Say = Callable[[str], None]


@dataclass
class Watched:
    """A part and how it fares.

    Attributes:
        state: waiting, starting, ready, not answering, ended.
        since: monotonic seconds of the last change.
    """

    part: Part
    state: str = "waiting"
    process: Process | None = None
    since: float = 0.0
    answered: float = 0.0
    probed: float = 0.0
    failures: int = 0
    again_at: float = 0.0
    starts: int = 0
    notes: list[str] = field(default_factory=list)


class Supervisor:
    """Keeps the parts running until told to stop; one thread, no surprises."""

    def __init__(
        self,
        parts: list[Part],
        log_dir: Path,
        say: Say,
        status_file: Path | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._all = {part.name: Watched(part) for part in parts}
        self._log_dir = log_dir
        self._say = say
        self._status_file = status_file
        self._now = now
        self._stop = threading.Event()
        self._told_ready = False

    def stop(self, *_: object) -> None:
        """Ask to stop; fit for a signal handler."""
        self._stop.set()

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Supervise until stopped by SIGINT, SIGTERM or `stop`.

        Args:
            on_ready: called once, when every part has been ready.
        """
        before = {s: signal.signal(s, self.stop) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not self._stop.is_set():
                self.tick()
                if not self._told_ready and self.all_ready():
                    self._told_ready = True
                    on_ready()
                self._stop.wait(TICK_S)
        finally:
            self.stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def all_ready(self) -> bool:
        """Say whether every part is ready now."""
        return all(w.state == "ready" for w in self._all.values())

    def tick(self) -> None:
        """Look at every part once and take the step that its state asks for."""
        for watched in self._all.values():
            if watched.process is None:
                self._maybe_start(watched)
            elif (code := watched.process.poll()) is not None:
                self._ended(watched, code)
            else:
                self._look(watched)

    def _maybe_start(self, watched: Watched) -> None:
        if self._now() < watched.again_at:
            return
        if any(self._all[name].state != "ready" for name in watched.part.after):
            return
        watched.process = Process(watched.part, self._log_dir)
        watched.starts += 1
        watched.answered = self._now()
        self._change(watched, "starting", quiet=True)

    def _ended(self, watched: Watched, code: int) -> None:
        process, now = watched.process, self._now()
        assert process is not None
        if now - watched.since > GOOD_RUN_S:
            watched.failures = 0
        pause = BACKOFF_S[min(watched.failures, len(BACKOFF_S) - 1)]
        watched.failures += 1
        watched.again_at = now + pause
        watched.process = None
        last = process.last_line()
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._change(watched, "ended", f"{why}; again in {pause:g} s{f' ({last})' if last else ''}")

    def _look(self, watched: Watched) -> None:
        now, process = self._now(), watched.process
        assert process is not None
        if watched.state == "ready" and now - watched.probed < PROBE_EVERY_S:
            return
        watched.probed = now
        probe = watched.part.probe
        good = probe() if probe else process.has_said(watched.part.ready_text)
        if good:
            watched.answered = now
            if watched.state != "ready":
                self._change(watched, "ready")
        elif now - watched.answered > HUNG_S:
            self._say(f"{watched.part.name:8} no answer for {HUNG_S:g} s: stopping it")
            process.stop(watched.part.stop_s)
        elif watched.state == "ready":
            self._change(watched, "not answering")

    def _change(self, watched: Watched, state: str, note: str = "", quiet: bool = False) -> None:
        watched.state, watched.since = state, self._now()
        pid = f"pid {watched.process.pid}" if watched.process else ""
        if not quiet:
            text = note or f"{pid:10} {watched.part.shown}"
            self._say(f"{watched.part.name:8} {state:14} {text}")
        self._write_status()

    def stop_all(self) -> None:
        """Stop every part, the last started first."""
        for watched in reversed(self._all.values()):
            if watched.process is not None:
                watched.process.stop(watched.part.stop_s)
                watched.process = None
            watched.state = "stopped"
        self._write_status()

    def _write_status(self) -> None:
        if self._status_file is None:
            return
        rows = [
            {
                "part": w.part.name,
                "state": w.state,
                "pid": w.process.pid if w.process else None,
                "starts": w.starts,
                "shown": w.part.shown,
            }
            for w in self._all.values()
        ]
        temporary = self._status_file.with_suffix(".new")
        temporary.write_text(json.dumps({"at": time.time_ns() // 1_000_000, "parts": rows}))
        temporary.replace(self._status_file)
