"""`ping`: is anybody there?"""

import time
from typing import Any

from muster_agent.commands.call import CommandCall
from muster_agent.commands.registry import builtin


@builtin("ping", resumable=True)
def ping(call: CommandCall) -> dict[str, Any]:
    """Answer with what was sent, and with the device's own clock."""
    return {"echo": call.args.echo, "device_ms": time.time_ns() // 1_000_000}
