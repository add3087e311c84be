"""Who says hello: the device itself, and the children that a gateway speaks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from muster_agent.clock import Clock
from muster_agent.core.options import CoreOptions
from muster_agent.errors import ConfigError
from muster_agent.store.memo import Memo
from muster_protocol.clocks import next_session
from muster_protocol.ids import is_device_id
from muster_protocol.messages import AgentVersion, Component, Hello

_SESSION = "child:"


@dataclass
class Member:
    """A device or child as its hello describes it."""

    session: int
    profile: str
    inventory: Sequence[Component]
    attributes: Mapping[str, Any]


def own_member(session: int, options: CoreOptions) -> Member:
    """Give the device itself."""
    return Member(session, options.profile, options.inventory(), options.attributes)


def introduce(
    who: Member,
    options: CoreOptions,
    install_id: str,
    *,
    capabilities: list[str],
    running: list[str],
    unsent: dict[str, dict[str, int]],
    ts: int,
) -> Hello:
    """Make a hello."""
    return Hello(
        session=who.session,
        install_id=install_id,
        agent=AgentVersion(name=options.agent_name, version=options.agent_version),
        profile=who.profile,
        inventory=list(who.inventory),
        capabilities=capabilities,
        attributes=dict(who.attributes),
        running=running,
        unsent=unsent,
        ts=ts,
    )


class Family:
    """The children of one gateway; their session numbers are kept on disk."""

    def __init__(self, memo: Memo, clock: Clock) -> None:
        self._memo = memo
        self._clock = clock
        self._members: dict[str, Member] = {}

    def join(
        self,
        child: str,
        profile: str,
        inventory: Sequence[Component] = (),
        attributes: Mapping[str, Any] | None = None,
    ) -> Member:
        """Take a child in, under a new session.

        Raises:
            ConfigError: not a device id.
            StoreError: its session could not be stored.
        """
        if not is_device_id(child):
            raise ConfigError(f"child {child!r}: a device id is letters, digits and . _ -")
        member = Member(self._open_session(child), profile, inventory, attributes or {})
        self._members[child] = member
        return member

    def renew(self, child: str) -> None:
        """Give a child a new session: the gateway has connected again."""
        self.member(child).session = self._open_session(child)

    def _open_session(self, child: str) -> int:
        key = _SESSION + child
        session = next_session(self._memo.get(key, int, 0), self._clock.wall_ms())
        self._memo.put(key, session)
        return session

    def member(self, child: str) -> Member:
        """Give a child that has joined.

        Raises:
            ConfigError: it has not.
        """
        try:
            return self._members[child]
        except KeyError:
            raise ConfigError(f"child {child!r} has not said hello yet") from None

    def leave(self, child: str) -> None:
        """Let a child go."""
        self._members.pop(child, None)

    def present(self) -> list[str]:
        """List the children that are there."""
        return list(self._members)
