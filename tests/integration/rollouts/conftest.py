"""A fleet of many devices of one profile, a published release, and what devices would say."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import insert, select

from muster_platform.access.actor import Actor
from muster_platform.access.models import ROOT_GROUP_ID, Group
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.ingest.registry import apply_inventory
from muster_platform.devices.models import Device, InventoryItem, Presence, Profile
from muster_platform.jobs import sweeps
from muster_platform.jobs.models import Execution
from muster_platform.jobs.queue import Parcel, claim_due, mark_sent
from muster_platform.jobs.reports import apply_report
from muster_platform.jobs.targets import Target
from muster_platform.updates.models import Artifact, Release, ReleaseComponent, ReleaseProfile
from muster_platform.updates.rollout_plan import PhaseSpec, RolloutSpec
from muster_platform.updates.rollout_views import RolloutView
from muster_platform.updates.rollouts import RolloutService
from muster_protocol.ids import uuid7
from muster_protocol.messages import Component, InventoryReport, Report
from muster_protocol.states import ExecutionState
from tests.services.database import ADMIN, TestPlatform


@dataclass
class Fleet:
    """Devices `phone-0000`… of profile phone in one group, ONLINE, with app 1.0."""

    platform: TestPlatform
    group_id: int
    profile_id: int
    release_id: str = ""
    keys: dict[str, int] = field(default_factory=dict)

    def add(self, number: int, capabilities: Iterable[str] = ("install",)) -> None:
        with self.platform.unit(ADMIN) as unit:
            start, now = len(self.keys), unit.now()
            rows = [
                {
                    "device_id": f"phone-{start + n:04}",
                    "display_name": "",
                    "profile_id": self.profile_id,
                    "group_id": self.group_id,
                    "plain": False,
                    "capabilities": list(capabilities),
                    "created_at": now,
                }
                for n in range(number)
            ]
            unit.session.execute(insert(Device), rows)
            found = unit.session.execute(select(Device.device_id, Device.id))
            made = {name: key for name, key in found if name not in self.keys}
            keys = list(made.values())
            presence = [{"device_key": k, "state": "ONLINE", "since": now} for k in keys]
            unit.session.execute(insert(Presence), presence)
            have = {"component": "app", "version": "1.0", "since": now}
            unit.session.execute(insert(InventoryItem), [{"device_key": k, **have} for k in keys])
            self.keys |= made

    def spec(self, *phases: PhaseSpec, **fields: Any) -> RolloutSpec:
        target = fields.pop("target", Target(group_id=self.group_id))
        return RolloutSpec(release_id=self.release_id, target=target, phases=phases, **fields)

    def start(self, spec: RolloutSpec, actor: Actor = ADMIN, **options: Any) -> RolloutView:
        with self.platform.unit(actor) as unit:
            return RolloutService(unit).start(spec, **options)

    def view(self, rollout_id: str) -> RolloutView:
        with self.platform.unit(ADMIN, write=False) as unit:
            return RolloutService(unit).get(rollout_id)

    def do(self, act: str, rollout_id: str, actor: Actor = ADMIN) -> Any:
        with self.platform.unit(actor) as unit:
            return getattr(RolloutService(unit), act)(rollout_id)

    def executions(self, rollout_id: str, *states: str) -> list[Execution]:
        with self.platform.unit(ADMIN, write=False) as unit:
            query = select(Execution).where(Execution.job_id == rollout_id)
            if states:
                query = query.where(Execution.state.in_(states))
            return list(unit.session.scalars(query.order_by(Execution.id)))

    def dispatch(self) -> list[Parcel]:
        """Publish all that is due, to a broker that takes everything."""
        sent: list[Parcel] = []
        while True:
            with self.platform.unit(ADMIN) as unit:
                parcels = claim_due(unit, "test", 500)
            if not parcels:
                return sent
            with self.platform.unit(ADMIN) as unit:
                mark_sent(unit, [one.execution_id for one in parcels], "test")
            sent += parcels

    def say(self, execution: Execution, state: str, **fields: Any) -> None:
        with self.platform.unit(ADMIN) as unit:
            device = unit.session.get_one(Device, execution.device_key)
            message = Report(execution=execution.id, state=ExecutionState(state), **fields)
            apply_report(unit, device, message, unit.now())

    def inventory(self, device_key: int, **versions: str) -> None:
        with self.platform.unit(ADMIN) as unit:
            device = unit.session.get_one(Device, device_key)
            items = [Component(component=name, version=v) for name, v in versions.items()]
            message = InventoryReport(inventory=items)
            apply_inventory(unit, device, message, unit.now(), DEVICE_HOOKS)

    def pass_over(self) -> None:
        """Do what the worker does every few seconds."""
        with self.platform.unit(ADMIN) as unit:
            sweeps.sweep_limits(unit)
            sweeps.advance_jobs(unit, sweeps.active_jobs(unit))

    def only(self, rollout_id: str) -> Execution:
        [execution] = self.executions(rollout_id)
        return execution


@pytest.fixture
def fleet(platform: TestPlatform) -> Fleet:
    platform.configure(public_url="https://muster.example.org")
    with platform.unit(ADMIN) as unit:
        now = unit.now()
        profile = Profile(
            name="phone",
            title="Phone",
            contact="always",
            expect_every_s=300,
            qos_down=1,
            created_at=now,
        )
        group = Group(parent_id=ROOT_GROUP_ID, name="north", path="new/", created_at=now)
        unit.session.add_all((profile, group))
        unit.session.flush()
        group.path = f"{ROOT_GROUP_ID}/{group.id}/"
        made = Fleet(platform, group.id, profile.id)
        made.release_id = "01900000-0000-7000-8000-0000000000aa"  # the order of devices follows
        release = Release(
            id=made.release_id,
            name="app",
            version="2.0",
            state="PUBLISHED",
            title="New app",
            data={"flag": True},
            created_at=now,
            created_by="rita",
            updated_at=now,
            published_at=now,
        )
        release.components = [ReleaseComponent(component="app", version="2.0")]
        release.targets = [ReleaseProfile(profile_id=profile.id)]
        release.artifacts = [
            Artifact(
                id=uuid7(now), name="app.bin", size=9, sha256="a" * 64, stored_at=now, stored_by="r"
            )
        ]
        unit.session.add(release)
    return made


def document(parcel: Parcel) -> dict[str, Any]:
    """Read what was published."""
    found: dict[str, Any] = json.loads(parcel.payload)
    return found
