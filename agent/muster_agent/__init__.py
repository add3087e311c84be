"""The device agent, the library an app embeds, and the fleet simulator."""

from muster_agent.agent import Agent, AgentOptions
from muster_agent.commands import Canceled, CommandCall
from muster_agent.errors import MusterError, Rejected, SpoolFullError, StoreError

__all__ = [
    "Agent",
    "AgentOptions",
    "Canceled",
    "CommandCall",
    "MusterError",
    "Rejected",
    "SpoolFullError",
    "StoreError",
]
