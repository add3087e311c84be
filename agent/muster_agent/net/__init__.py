"""The agent's network side: one MQTT connection, its renewal, and a loop that drives many."""

from muster_agent.net.backoff import Backoff
from muster_agent.net.driver import Driver
from muster_agent.net.link import Broker, Link
from muster_agent.net.peer import App, Peer

__all__ = ["App", "Backoff", "Broker", "Driver", "Link", "Peer"]
