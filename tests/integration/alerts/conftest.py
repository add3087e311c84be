"""Rules and devices that they look at."""

from dataclasses import dataclass, field

import pytest

from muster_platform.access.groups import GroupService
from muster_platform.alerts.models import Rule
from muster_platform.alerts.rule_service import RuleDraft, RuleService
from muster_platform.devices.models import Presence
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import LatestValue, Metric, telemetry
from muster_platform.worker.alarms import evaluate_rules
from muster_protocol.states import PresenceState
from tests.services.database import ADMIN, TestPlatform


@dataclass
class Fleet:
    """Devices by name, and what is said of them."""

    platform: TestPlatform
    keys: dict[str, int] = field(default_factory=dict)

    def add(self, *names: str, group_id: int = 1) -> None:
        """Register devices that are ONLINE."""
        with self.platform.unit(ADMIN) as unit:
            for name in names:
                device = DeviceService(unit).register(name, "sensor", group_id)
                self.keys[name] = device.id
        self.presence(PresenceState.ONLINE, *names)

    def group(self, name: str) -> tuple[int, str]:
        """Make a group below the root; give its id and path."""
        with self.platform.unit(ADMIN) as unit:
            made = GroupService(unit).create(name)
            return made.id, made.path

    def presence(self, state: PresenceState, *names: str, reason: str = "lost") -> None:
        """Set what is believed of devices, from now on."""
        with self.platform.unit(ADMIN) as unit:
            for name in names:
                row = unit.session.get_one(Presence, self.keys[name])
                row.state, row.reason, row.since = str(state), reason, unit.now()

    def offline(self, *names: str) -> None:
        """Take them off."""
        self.presence(PresenceState.OFFLINE, *names)

    def online(self, *names: str) -> None:
        """Bring them back."""
        self.presence(PresenceState.ONLINE, *names)

    def says(self, name: str, metric: str, number: float) -> None:
        """Let a device send a value now."""
        with self.platform.unit(ADMIN) as unit:
            session, key, now = unit.session, self.keys[name], unit.now()
            found = session.query(Metric).filter_by(name=metric).one_or_none()
            if found is None:
                found = Metric(name=metric, kind="number")
                session.add(found)
                session.flush()
            session.execute(
                telemetry.insert().values(device_key=key, metric_id=found.id, ts=now, num=number)
            )
            session.merge(LatestValue(device_key=key, metric_id=found.id, ts=now, num=number))

    def rule(self, kind: str, who=ADMIN, **draft):
        """Make a rule; parameters by name, or params={…}."""
        with self.platform.unit(who) as unit:
            return RuleService(unit).create(RuleDraft(name=kind, kind=kind, **draft))

    def after(self, seconds: float) -> None:
        """Let time go by, and look at all rules."""
        self.platform.time.advance(s=seconds)
        with self.platform.unit(ADMIN) as unit:
            unit.session.query(Rule).update({"due_at": unit.now()})
        evaluate_rules(self.platform)


@pytest.fixture
def fleet(platform) -> Fleet:
    """Give an empty fleet, with the built-in rules switched off."""
    with platform.unit(ADMIN) as unit:
        ProfileService(unit).create("sensor")
        unit.session.query(Rule).update({"enabled": False})
    return Fleet(platform)
