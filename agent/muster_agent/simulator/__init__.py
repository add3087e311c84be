"""`muster simulate`: a rehearsal fleet in one process, over real MQTT.

Each device has the same core, spool and journal as a real one; only the machine around it is
made up, by a scenario and a seed.
"""

from muster_agent.simulator.command import register

__all__ = ["register"]
