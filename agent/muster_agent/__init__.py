"""The device agent, the library an app embeds, and the fleet simulator."""

from muster_agent.agent import Agent
from muster_agent.agent_options import AgentOptions
from muster_agent.commands import Canceled, CommandCall
from muster_agent.errors import MusterError, Rejected, SpoolFullError, StoreError
from muster_agent.updates import Installer, Notice, Release, SlotInstaller, health_command

__all__ = [
    "Agent",
    "AgentOptions",
    "Canceled",
    "CommandCall",
    "Installer",
    "MusterError",
    "Notice",
    "Rejected",
    "Release",
    "SlotInstaller",
    "SpoolFullError",
    "StoreError",
    "health_command",
]
