"""The gateway's app: measures, opens a valve, and crashes when it is told to."""

import logging
from typing import Any


def setup(agent: Any) -> None:
    """Declare what it does."""
    log = logging.getLogger("pump")
    log.addHandler(agent.log_handler())
    log.setLevel(logging.INFO)

    @agent.telemetry(every_s=1)
    def climate() -> dict[str, float]:
        return {"temperature": 21.5}

    @agent.command("open_valve")
    def open_valve(call: Any) -> dict[str, bool]:
        log.info("valve opened on request")
        return {"open": True}

    @agent.command("crash")
    def crash(call: Any) -> dict[str, bool]:
        try:
            raise RuntimeError("valve 7 is stuck")
        except RuntimeError:
            log.exception("pump stopped")
        return {"stopped": True}
