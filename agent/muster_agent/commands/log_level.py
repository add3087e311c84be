"""`log_level`: hear more of a device for a while."""

import logging
import threading
from typing import Any

from muster_agent.commands.call import CommandCall
from muster_agent.commands.registry import builtin
from muster_protocol.commands import AgentLogLevel

_NUMBER = {
    AgentLogLevel.DEBUG: logging.DEBUG,
    AgentLogLevel.INFO: logging.INFO,
    AgentLogLevel.WARN: logging.WARNING,
    AgentLogLevel.ERROR: logging.ERROR,
}


@builtin("log_level", resumable=True)
def log_level(call: CommandCall) -> dict[str, Any]:
    """Set the level of a logger in this process; it comes back after `for_s`, if given."""
    logger = logging.getLogger(call.args.logger or None)
    before = logger.level
    logger.setLevel(_NUMBER[call.args.level])
    if call.args.for_s is not None:
        timer = threading.Timer(call.args.for_s, logger.setLevel, (before,))
        timer.daemon = True
        timer.start()
    return {"logger": logger.name, "before": logging.getLevelName(before)}
