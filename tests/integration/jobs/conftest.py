"""A small fleet and the words that tests of the job engine use."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from muster_platform.access.actor import Actor
from muster_platform.access.models import ROOT_GROUP_ID, Group
from muster_platform.devices.models import Device, Presence, Profile
from muster_platform.devices.rows import add_device
from muster_platform.jobs.executions import ExecutionService
from muster_platform.jobs.models import Execution, ExecutionEvent, Job
from muster_platform.jobs.reports import Outcome, apply_report
from muster_platform.jobs.service import JobService
from muster_platform.jobs.views import Limits
from muster_platform.paging import PageRequest
from muster_protocol.messages import Report
from muster_protocol.states import ExecutionState, PresenceState
from tests.services.database import ADMIN, TestPlatform


@dataclass
class Fleet:
    """Devices in two groups: `north` (pump-1, pump-2) and `south` (cam-1), all full and ONLINE."""

    platform: TestPlatform
    north: str
    south: str
    north_id: int
    south_id: int

    def key(self, device_id: str) -> int:
        with self.platform.unit(ADMIN, write=False) as unit:
            return unit.session.scalars(
                select(Device.id).where(Device.device_id == device_id)
            ).one()

    def add(self, device_id: str, *, group: int | None = None, plain: bool = False, **tags: str):
        with self.platform.unit(ADMIN) as unit:
            profile = unit.session.scalars(select(Profile)).first()
            home = unit.session.get_one(Group, group or self.north_id)
            assert profile is not None
            device = add_device(unit, device_id, profile, home, tags=tags)
            device.plain = plain
        if not plain:
            self.presence(device_id, PresenceState.ONLINE)

    def change(self, device_id: str, **values: object) -> None:
        with self.platform.unit(ADMIN) as unit:
            device = unit.session.get_one(Device, self.key(device_id))
            for name, value in values.items():
                setattr(device, name, value)

    def presence(self, device_id: str, state: PresenceState) -> None:
        with self.platform.unit(ADMIN) as unit:
            row = unit.session.get_one(Presence, self.key(device_id))
            row.state, row.since = str(state), unit.now()

    def send(
        self,
        *devices: str,
        name: str = "reboot",
        actor: Actor = ADMIN,
        target: dict | None = None,
        limits: Limits = Limits(),  # noqa: B008
        **options: str,
    ) -> str:
        with self.platform.unit(actor) as unit:
            job = JobService(unit).create_command(
                name,
                {"after_s": 3},
                target=target or {"devices": list(devices)},
                limits=limits,
                **options,
            )
            return job.id

    def executions(self, job_id: str) -> list[Execution]:
        with self.platform.unit(ADMIN, write=False) as unit:
            query = select(Execution).where(Execution.job_id == job_id)
            found = unit.session.scalars(query.order_by(Execution.device_key, Execution.attempt))
            return list(found)

    def only(self, job_id: str) -> Execution:
        [execution] = self.executions(job_id)
        return execution

    def job(self, job_id: str) -> Job:
        with self.platform.unit(ADMIN, write=False) as unit:
            return unit.session.get_one(Job, job_id)

    def events(self, execution_id: str) -> list[ExecutionEvent]:
        with self.platform.unit(ADMIN, write=False) as unit:
            query = (
                select(ExecutionEvent)
                .where(ExecutionEvent.execution_id == execution_id)
                .order_by(ExecutionEvent.id)
            )
            return list(unit.session.scalars(query))

    def report(self, device_id: str, execution_id: str, state: str, **fields: object) -> Outcome:
        with self.platform.unit(ADMIN) as unit:
            device = unit.session.get_one(Device, self.key(device_id))
            message = Report(execution=execution_id, state=ExecutionState(state), **fields)  # type: ignore[arg-type]
            return apply_report(unit, device, message, unit.now())

    def hand_over(self, execution_id: str) -> None:
        """Do what dispatch does when it publishes, without a broker."""
        with self.platform.unit(ADMIN) as unit:
            execution = unit.session.get_one(Execution, execution_id)
            execution.handed_at = execution.sent_at = unit.now()
            execution.state = "SENT"

    def why(self, execution_id: str):
        with self.platform.unit(ADMIN, write=False) as unit:
            return ExecutionService(unit).why(execution_id)


@pytest.fixture
def fleet(platform: TestPlatform) -> Fleet:
    with platform.unit(ADMIN) as unit:
        now = unit.now()
        unit.session.add(
            Profile(
                name="pump",
                title="Pump",
                contact="always",
                expect_every_s=300,
                qos_down=1,
                created_at=now,
            )
        )
        groups = {}
        for name in ("north", "south"):
            group = Group(parent_id=ROOT_GROUP_ID, name=name, path=f"new-{name}/", created_at=now)
            unit.session.add(group)
            unit.session.flush()
            group.path = f"{ROOT_GROUP_ID}/{group.id}/"
            groups[name] = (group.path, group.id)
    (north, north_id), (south, south_id) = groups["north"], groups["south"]
    made = Fleet(platform, north, south, north_id, south_id)
    made.add("pump-1", site="berlin")
    made.add("pump-2")
    made.add("cam-1", group=made.south_id, site="berlin")
    return made


@pytest.fixture
def first_page() -> PageRequest:
    return PageRequest()


Send = Callable[..., str]
