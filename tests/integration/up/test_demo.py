"""What the demonstration's people have done when its fleet has come."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from muster_platform import config
from muster_platform.access.actor import system_actor
from muster_platform.access.models import ROOT_GROUP_ID, AuditEntry, Group
from muster_platform.alerts.oncall import OnCallService
from muster_platform.alerts.rule_service import RuleService
from muster_platform.bootstrap import Platform, build
from muster_platform.devices.models import Device, Presence, Profile
from muster_platform.paging import PageRequest
from muster_platform.up import demo_work, prepare
from muster_platform.up.demo import PROFILES, prepare_demo
from muster_platform.up.demo_life import furnish
from muster_platform.updates.releases import ReleaseFilter, ReleaseService
from muster_platform.updates.rollouts import RolloutService

MODES = {"sensor": "install", "gateway": "install", "phone": "notify"}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Platform]:
    """Prepare a demonstration with one device of each profile."""
    platform = build(config.load(environ={}, state_dir=tmp_path))
    prepare.database(platform)
    prepare_demo(platform)
    yield platform
    platform.close()


def _add_devices(platform: Platform) -> None:
    with platform.unit(system_actor("test")) as unit:
        for name, *_, group in PROFILES:
            profile_id = unit.session.scalars(select(Profile.id).where(Profile.name == name)).one()
            group_id = unit.session.scalars(select(Group.id).where(Group.name == group)).one()
            row = {
                "device_id": f"sim-{name}",
                "display_name": "",
                "profile_id": profile_id,
                "group_id": group_id,
                "plain": False,
                "capabilities": [MODES[name]],
                "created_at": unit.now(),
            }
            [key] = unit.session.scalars(insert(Device).returning(Device.id), [row])
            presence = {"device_key": key, "state": "ONLINE", "since": unit.now()}
            unit.session.execute(insert(Presence), [presence])


def test_there_are_a_release_with_its_rollout_a_draft_a_rule_and_somebody_on_call(
    demo: Platform,
) -> None:
    _add_devices(demo)
    furnish(demo)
    with demo.unit(demo_work.person(demo, demo_work.RELEASE_MANAGER), write=False) as unit:
        releases = ReleaseService(unit).list(ReleaseFilter(), PageRequest(10)).items
        assert {(one.name, one.state) for one in releases} == {
            ("Fleet app", "PUBLISHED"),
            ("Sensor firmware", "DRAFT"),
        }
        [rollout] = RolloutService(unit).list(PageRequest(10)).items
        assert rollout.job.device_count == 2
    with demo.unit(demo_work.person(demo, demo_work.ON_CALL), write=False) as unit:
        [first] = OnCallService(unit).who(ROOT_GROUP_ID).people
        assert first.email == demo_work.ON_CALL
        rules = RuleService(unit).search(PageRequest(50), "telemetry_threshold").items
        assert [rule.name for rule in rules] == ["Battery of a sensor is low"]


def test_what_fails_is_missing_and_stops_nothing(demo: Platform) -> None:
    furnish(demo)  # nobody has come: the rollout is refused
    with demo.unit(system_actor("test"), write=False) as unit:
        acts = set(unit.session.scalars(select(AuditEntry.action)))
    assert {"release.publish", "on_call.write", "rule.create"} <= acts
    assert "rollout.start" not in acts
