"""Rollouts and releases on the site: found from one another, filtered, and refused in time."""

from urllib.parse import urlencode

import pytest

from muster_platform.devices.models import Device
from muster_platform.jobs.models import Execution, ExecutionEvent
from muster_platform.updates.release_rules import Draft
from muster_platform.updates.releases import ReleaseService
from muster_protocol.states import ExecutionState, UpdateStep
from tests.integration.site.conftest import SYSTEM, World
from tests.integration.web import rollout_samples

PLAN = {"kind": "devices", "mode": "auto", "size_1": "rest"}


@pytest.fixture
def rollout(world: World) -> dict[str, str]:
    """Give a rollout of a release to two of three devices, and what its pages need."""
    with world.platform.unit(SYSTEM) as unit:
        service = ReleaseService(unit)
        release_id = service.create(Draft("Firmware", "2.0", {"app": "2.0"}, ("sensor",))).id
        service.publish(release_id)
        made = rollout_samples.make(unit, world.berlin, release_id, 1)
        return {**made, "release_id": release_id}


def test_a_release_and_its_rollouts_lead_to_one_another(
    world: World, rollout: dict[str, str]
) -> None:
    browser = world.browser()
    release = f"/admin/releases/{rollout['release_id']}/"
    own = f"/admin/rollouts/{rollout['rollout_id']}/"
    assert own in browser.text(release)
    assert f'href="{release}"' in browser.text(own)
    assert f"subject=job:{rollout['rollout_id']}" in browser.text(own)


def test_a_release_says_that_it_was_never_rolled_out(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        service = ReleaseService(unit)
        release_id = service.create(Draft("Firmware", "2.0", {"app": "2.0"}, ("sensor",))).id
        service.publish(release_id)
    assert "It was never rolled out" in world.browser().text(f"/admin/releases/{release_id}/")


def test_rollouts_are_narrowed_by_state_and_taken_away_as_a_file(
    world: World, rollout: dict[str, str]
) -> None:
    browser, own = world.browser(), f"/admin/rollouts/{rollout['rollout_id']}/"
    assert own in browser.text("/admin/rollouts/?state=IN_PROGRESS")
    assert own not in browser.text("/admin/rollouts/?state=PAUSED")
    assert browser.get("/admin/rollouts/?state=WHAT").status_code == 422
    assert ",Firmware,2.0,IN_PROGRESS,2,2," in browser.text("/admin/rollouts/export.csv")
    assert "Firmware" not in browser.text("/admin/rollouts/export.csv?state=PAUSED")
    assert ",Firmware,2.0,PUBLISHED,app 2.0,sensor,0," in browser.text("/admin/releases/export.csv")
    assert "Firmware" not in browser.text("/admin/releases/export.csv?search=camera")


def test_jobs_are_narrowed_to_commands_or_updates_or_words_of_their_title(
    world: World, rollout: dict[str, str]
) -> None:
    browser = world.browser()
    browser.post("/admin/devices/probe-1/send", name="reboot", args="")
    own = f"/admin/jobs/{rollout['rollout_id']}/"
    updates, commands = (
        browser.text(f"/admin/jobs/?kind={kind}") for kind in ("update", "command")
    )
    assert own in updates
    assert "reboot" not in updates
    assert own not in commands
    assert "reboot" in commands
    assert own in browser.text("/admin/jobs/?search=firm")
    assert "No jobs like this" in browser.text("/admin/jobs/?search=camera")
    assert "reboot" not in browser.text("/admin/jobs/export.csv?kind=update")
    assert browser.get("/admin/jobs/?kind=dance").status_code == 422


def test_a_plan_that_cannot_start_says_so_before_the_start(
    world: World, rollout: dict[str, str]
) -> None:
    browser = world.browser()
    asked = {**PLAN, "release_id": rollout["release_id"]}
    known = rollout["updatable_id"]
    both = browser.text(f"/admin/rollouts/new?{urlencode({**asked, 'devices': f'{known} lost-9'})}")
    assert "Take them out: lost-9." in both
    assert "/admin/rollouts/start" not in both
    one = browser.text(f"/admin/rollouts/new?{urlencode({**asked, 'devices': known})}")
    assert "/admin/rollouts/start" in one


def test_an_empty_target_is_named(world: World, rollout: dict[str, str]) -> None:
    asked = {**PLAN, "kind": "group", "release_id": rollout["release_id"]}
    page = world.browser().text(f"/admin/rollouts/new?{urlencode(asked)}")
    assert "Choose a group, or say otherwise which devices it is for." in page


def test_steps_and_states_are_words_and_lead_to_the_rollout(
    world: World, rollout: dict[str, str]
) -> None:
    with world.platform.unit(SYSTEM) as unit:
        run = unit.session.get_one(Execution, rollout["rollout_execution_id"])
        run.state, run.step = ExecutionState.IN_PROGRESS, UpdateStep.WAIT_FOR_CONFIRMATION
        event = ExecutionEvent(execution_id=run.id, device_key=run.device_key, at=unit.now())
        event.from_state, event.to_state, event.actor = "SENT", run.state, "device"
        event.data = {"step": run.step}
        unit.session.add(event)
        device_id = unit.session.get_one(Device, run.device_key).device_id
    page = world.browser().text(f"/admin/devices/{device_id}/")
    assert "Firmware 2.0: in progress (wait for confirmation)</a>" in page
    why = world.browser().text(f"/admin/executions/{rollout['rollout_execution_id']}/why")
    assert "In progress, waits for somebody to confirm" in why
    assert "Waits for somebody to confirm" in page
    assert "Firmware 2.0: queued</a>" in page
    assert ">Rollout</a>" in page
    assert "WAIT_FOR_CONFIRMATION" not in page
    assert "QUEUED" not in page


def test_devices_whose_phase_has_not_opened_are_part_of_the_bar(
    world: World, rollout: dict[str, str]
) -> None:
    page = world.browser().text(f"/admin/rollouts/{rollout['rollout_id']}/")
    assert "phase not opened: 1" in page
