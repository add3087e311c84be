"""Options of an embedded agent."""

from dataclasses import dataclass
from pathlib import Path

from muster_agent.core import CoreOptions


@dataclass(frozen=True, kw_only=True)
class AgentOptions(CoreOptions):
    """Options of an embedded agent, beside those of the core.

    Attributes:
        state_dir: where identity, spool and journal are; made by `muster agent enrol`.
        profile: "" takes the profile that the device was enrolled with.
        keepalive_s: MQTT keep-alive; the broker notices a lost device after 1.5 times this.
        ca_file: certificates to trust instead of those it was enrolled with, or the system's.
        flush_s: how long `stop` lets what waits go out before the goodbye.
        reconnect_first_s, reconnect_limit_s: delays between attempts, doubling, with jitter.
    """

    profile: str = ""
    state_dir: Path
    keepalive_s: int = 60
    ca_file: str | None = None
    flush_s: float = 2.0
    reconnect_first_s: float = 1.0
    reconnect_limit_s: float = 60.0
