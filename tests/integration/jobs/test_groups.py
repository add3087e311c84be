"""Jobs follow the tree when a group is moved."""

import pytest

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.groups import GroupService
from muster_platform.access.permissions import BUILTIN_ROLES
from muster_platform.bootstrap import GROUP_HOOKS
from muster_platform.errors import PermissionDenied
from muster_platform.jobs.service import JobFilter, JobService
from muster_platform.paging import PageRequest
from tests.services.database import ADMIN, actor


def seen_by(fleet, path: str) -> int:
    viewer = Actor("user", "v", "viewer", (Grant(BUILTIN_ROLES["viewer"], path),))
    with fleet.platform.unit(viewer, write=False) as unit:
        return len(JobService(unit).list(JobFilter(), PageRequest()).items)


def test_a_moved_group_takes_its_jobs_to_those_who_may_see_it_now(fleet) -> None:
    with fleet.platform.unit(ADMIN) as unit:
        JobService(unit).create_command("ping", target={"devices": ["pump-1"]})
        JobService(unit).create_command("ping", target={"devices": ["cam-1"]})
    assert (seen_by(fleet, fleet.north), seen_by(fleet, fleet.south)) == (1, 1)
    with fleet.platform.unit(ADMIN) as unit:
        GroupService(unit, GROUP_HOOKS).move(fleet.north_id, fleet.south_id)
    assert (seen_by(fleet, fleet.north), seen_by(fleet, fleet.south)) == (0, 2)
    assert seen_by(fleet, f"{fleet.south}{fleet.north_id}/") == 1


def test_a_device_that_moved_away_is_out_of_reach_of_its_old_groups_operators(fleet) -> None:
    job_id = fleet.send("pump-1")
    fleet.change("pump-1", group_id=fleet.south_id)
    with (
        fleet.platform.unit(actor("operator", fleet.north)) as unit,
        pytest.raises(PermissionDenied, match="another group") as told,
    ):
        JobService(unit).cancel(job_id)
    assert "south" not in repr((told.value.detail, told.value.extra)), "its name is not theirs"
    assert fleet.only(job_id).state == "QUEUED"
