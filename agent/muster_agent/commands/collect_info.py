"""`collect_info`: the state of the machine in one answer."""

from typing import Any

from muster_agent.commands.call import CommandCall
from muster_agent.commands.registry import builtin
from muster_agent.machine import describe, measure


@builtin("collect_info", resumable=True)
def collect_info(call: CommandCall) -> dict[str, Any]:
    """Report what the machine is, how it does, and how the agent does."""
    return {"machine": describe(), "now": measure(), "agent": call.agent_status()}
