"""Settings: what is desired, what is in force, kept on disk over restarts."""

from typing import Any

import msgspec

from muster_agent.core.effects import ApplySettings, Effect
from muster_agent.store.memo import Memo
from muster_protocol.messages import Settings, SettingsReport

_KEY = "settings"


class SettingsState(msgspec.Struct):
    """Settings as they are kept; version -1: never told any."""

    version: int = -1
    desired: dict[str, Any] = {}
    reported: dict[str, Any] = {}
    errors: dict[str, str] = {}


class SettingsKeeper:
    """Compares what is desired with what is in force."""

    def __init__(self, memo: Memo) -> None:
        self._memo = memo
        self._applying: Settings | None = None

    @property
    def state(self) -> SettingsState:
        """What was last put into force."""
        return self._memo.get(_KEY, SettingsState, SettingsState())

    def desired(self, message: Settings) -> list[Effect]:
        """Take a `down/settings`; one that is in force already (it is retained) does nothing."""
        known = self.state
        if (message.version, message.desired) == (known.version, known.desired):
            return []
        if self._applying == message:
            return []
        self._applying = message
        return [ApplySettings(message.version, message.desired)]

    def applied(
        self, version: int, reported: dict[str, Any], errors: dict[str, str]
    ) -> SettingsReport | None:
        """Keep the outcome of ApplySettings and make the report; None if it was overtaken."""
        message = self._applying
        if message is None or message.version != version:
            return None
        self._applying = None
        self._memo.put(_KEY, SettingsState(version, message.desired, reported, errors))
        return SettingsReport(version=version, reported=reported, errors=errors)
