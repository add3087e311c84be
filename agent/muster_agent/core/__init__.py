"""The agent's decisions, without network, threads or clocks of its own.

`Core` is told what happened (connected, a message, a tick, something from the app) and gives
back effects to carry out. The agent and the simulator drive the same core.
"""

from muster_agent.core.core import Core
from muster_agent.core.desk import Outcome, failed
from muster_agent.core.effects import (
    ApplySettings,
    Cancel,
    Drop,
    Effect,
    Publish,
    Start,
    StartUpdate,
)
from muster_agent.core.options import CoreOptions

__all__ = [
    "ApplySettings",
    "Cancel",
    "Core",
    "CoreOptions",
    "Drop",
    "Effect",
    "Outcome",
    "Publish",
    "Start",
    "StartUpdate",
    "failed",
]
