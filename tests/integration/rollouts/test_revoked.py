"""Revoked releases: their rollouts hold, and no device is given them again."""

import pytest
from sqlalchemy import update

from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.errors import Conflict
from muster_platform.updates.models import Release
from muster_platform.updates.rollout_plan import PhaseSpec
from tests.integration.rollouts.conftest import Fleet, document
from tests.services.database import ADMIN


def revoke(fleet: Fleet) -> None:
    with fleet.platform.unit(ADMIN) as unit:
        unit.session.execute(update(Release).values(state="REVOKED"))


def test_a_revoked_release_pauses_its_rollout_and_nothing_more_is_sent(fleet: Fleet) -> None:
    fleet.add(4)
    rollout = fleet.start(fleet.spec(PhaseSpec(devices=2), PhaseSpec()))
    revoke(fleet)
    assert fleet.dispatch() == []
    view = fleet.view(rollout.id)
    assert (view.job.state, view.job.reason) == ("PAUSED", "the release app 2.0 was revoked")
    with pytest.raises(Conflict, match="was revoked"):
        fleet.do("resume", rollout.id)


def test_a_revoked_release_is_not_tried_again_where_it_failed(fleet: Fleet) -> None:
    fleet.add(1)
    rollout = fleet.start(fleet.spec())
    fleet.dispatch()
    fleet.say(fleet.executions(rollout.id, "SENT")[0], "FAILED")
    revoke(fleet)
    with pytest.raises(Conflict, match="was revoked; no device is given it again"):
        fleet.do("retry", rollout.id)


def test_a_revoked_release_is_not_sent_a_second_time_but_taken_back(fleet: Fleet) -> None:
    fleet.add(1)
    rollout = fleet.start(fleet.spec())
    assert len(fleet.dispatch()) == 1
    revoke(fleet)
    fleet.pass_over()
    with fleet.platform.unit(ADMIN) as unit:
        DEVICE_HOOKS.on_hello(unit, fleet.keys["phone-0000"], [])
    assert fleet.dispatch() == []
    fleet.do("abort", rollout.id)
    assert [document(one)["action"] for one in fleet.dispatch()] == ["cancel"]
