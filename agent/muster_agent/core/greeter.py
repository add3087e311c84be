"""How a device and its children introduce themselves: hello, presence, goodbye."""

import msgspec

from muster_agent.core.effects import Publish
from muster_agent.core.family import Family, introduce, own_member
from muster_agent.core.options import CoreOptions
from muster_agent.core.outbox import Outbox
from muster_agent.store import Spool
from muster_protocol import topics
from muster_protocol.messages import Hello, Presence
from muster_protocol.states import PresenceReason


class Greeter:
    """Makes the messages; the core stores and sends them."""

    def __init__(
        self,
        device_id: str,
        install_id: str,
        options: CoreOptions,
        family: Family,
        spool: Spool,
        outbox: Outbox,
    ) -> None:
        self._device_id = device_id
        self._install_id = install_id
        self._options = options
        self._family = family
        self._spool = spool
        self._outbox = outbox

    def hello(
        self, child: str, session: int, capabilities: list[str], running: list[str], ts: int
    ) -> Hello:
        """Make the hello of the device ("") or of a child."""
        who = self._family.member(child) if child else own_member(session, self._options)
        if not child:
            capabilities = sorted({*capabilities, *map(str, self._options.update_modes)})
        return introduce(
            who,
            self._options,
            self._install_id,
            capabilities=capabilities,
            running=[] if child else running[:1_000],
            unsent=self._unsent(child),
            ts=ts,
        )

    def _unsent(self, child: str) -> dict[str, dict[str, int]]:
        unsent = self._spool.unsent(child, self._outbox.published())
        # The hello that carries this is itself the next one.
        unsent[self._spool.boot]["hello"] = self._spool.next_seq(child, self._spool.boot, "hello")
        return unsent

    def presence(
        self, session: int, reason: PresenceReason, until: int | None, child: str
    ) -> Publish:
        """Make a presence; a child's is of its own session."""
        if child:
            session = self._family.member(child).session
        online = reason is PresenceReason.CONNECTED
        message = Presence(session=session, online=online, reason=reason, until=until)
        topic = topics.up(self._device_id, "presence", child or None)
        return Publish(topic, msgspec.json.encode(message), retain=True)
