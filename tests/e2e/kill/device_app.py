"""The app on a device of the kill matrix: writes down what it ran and what it handed over.

Each line is one write with O_APPEND, forced to disk, so that it tells the truth whatever is
killed afterwards. Copied into the folder of each device's agent.toml.
"""

import itertools
import os
import threading
import time
from pathlib import Path
from typing import Any

DIARY = Path(os.environ["MUSTER_KILL_DIARY"])
EVERY_S = 0.1


def note(*words: object) -> None:
    """Write one line that survives a kill."""
    handle = os.open(DIARY, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, f"{' '.join(map(str, words))}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def noted(word: str) -> list[str]:
    """Give the second words of the lines that begin with the word."""
    if not DIARY.exists():
        return []
    lines = (line.split() for line in DIARY.read_text().splitlines())
    return [line[1] for line in lines if line[0] == word]


def declare(agent: Any) -> None:
    """Declare the one command, and begin to measure."""

    @agent.command("work")
    def work(call: Any) -> dict[str, bool]:
        note("ran", call.execution)
        gate = call.args.get("gate")
        while gate and not Path(gate).exists():
            call.wait(0.02)
        return {"done": True}

    threading.Thread(target=_measure, args=(agent,), daemon=True).start()


def _measure(agent: Any) -> None:
    first = max((int(n) for n in noted("offered")), default=0) + 1
    for number in itertools.count(first):
        while not agent.online and number == first:
            time.sleep(EVERY_S)  # until it has been started
        note("offered", number)
        agent.send_telemetry({"n": number})
        note("accepted", number)
        time.sleep(EVERY_S)
