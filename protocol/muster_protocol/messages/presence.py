"""Hello, presence and ledger: how a device introduces itself and what it is told."""

from typing import Annotated

import msgspec

from muster_protocol import limits
from muster_protocol.messages.base import (
    Data,
    Id,
    Message,
    Millis,
    Name,
    Seq,
    Session,
    UpMessage,
    check_depth,
)
from muster_protocol.states import PresenceReason


class Component(Message, kw_only=True):
    """One line of an inventory."""

    component: Name
    version: Name


class AgentVersion(Message, kw_only=True):
    """The software that speaks this protocol."""

    name: Name
    version: Name


Inventory = Annotated[list[Component], msgspec.Meta(max_length=limits.INVENTORY_ITEMS)]
SeqByChannel = dict[Name, Seq]


class Hello(UpMessage, kw_only=True):
    """up/hello: first message of every session of a full device.

    Attributes:
        unsent: {boot: {channel: next seq never yet published}}. Below it and not stored means
            missing; a boot that is not listed and not the present one is finished.
        running: executions that the device has begun and not ended.
    """

    session: Session
    install_id: Id
    agent: AgentVersion
    profile: Name
    inventory: Inventory = []
    capabilities: Annotated[list[Name], msgspec.Meta(max_length=256)] = []
    attributes: Data = {}
    running: Annotated[list[Id], msgspec.Meta(max_length=1_000)] = []
    unsent: Annotated[dict[Id, SeqByChannel], msgspec.Meta(max_length=limits.LEDGER_BOOTS)] = {}
    ts: Millis | None = None

    def __post_init__(self) -> None:
        """Refuse attributes that are nested too deep."""
        check_depth("attributes", self.attributes)


class HelloAnswer(Message, kw_only=True):
    """down/hello: the session that counts and the server's clock."""

    session: Session
    ts: Millis
    settings_version: int = 0


class Presence(Message, kw_only=True):
    """up/presence, retained, and the will: identity (device, session, online)."""

    session: Session
    online: bool
    reason: PresenceReason
    until: Millis | None = None


class InventoryReport(UpMessage, kw_only=True):
    """up/inventory: the whole inventory, when it changed within a connection."""

    inventory: Inventory
    ts: Millis | None = None


Range = tuple[Seq, Seq]
"""First and last missing seq, both included."""


class Ledger(Message, kw_only=True):
    """down/ledger: what the platform has stored and what it misses.

    Attributes:
        stored: {boot: {channel: highest seq with nothing missing below}}; the agent may drop
            these from its spool. 0 says that nothing of it is stored yet.
        resend: {boot: {channel: [[first, last], …]}}.
    """

    stored: dict[Id, dict[Name, Annotated[int, msgspec.Meta(ge=0)]]] = {}
    resend: dict[Id, dict[Name, list[Range]]] = {}
