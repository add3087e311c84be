"""What a release manager and those on call would have done: releases, a rollout, a rule, a list."""

import io
import tarfile

from sqlalchemy import select

from muster_platform.access.actor import Actor, system_actor
from muster_platform.access.auth import actor_of
from muster_platform.access.groups import GroupService
from muster_platform.access.models import ROOT_GROUP_ID, User
from muster_platform.alerts.oncall import OnCallDraft, OnCallService
from muster_platform.alerts.oncall_rules import Entry
from muster_platform.alerts.rule_service import RuleDraft, RuleService
from muster_platform.bootstrap import Platform
from muster_platform.devices.models import Device, Profile
from muster_platform.devices.stream_models import LatestValue, Metric
from muster_platform.jobs.targets import Target
from muster_platform.unit import Unit
from muster_platform.updates.artifacts import Announced, ArtifactService
from muster_platform.updates.release_rules import Draft
from muster_platform.updates.releases import ReleaseService
from muster_platform.updates.rollout_plan import PhaseSpec, RolloutSpec
from muster_platform.updates.rollouts import RolloutService

OPERATOR, RELEASE_MANAGER = "operator@example.org", "release@example.org"
ON_CALL = "oncall@example.org"
BATTERY, LOW_PERCENT, ALARMED = "battery_percent", 70, 3
"""The metric of the rule, its limit where nothing was measured yet, and how many it shall find."""
PUBLISHED = Draft(
    name="Fleet app",
    version="6.0.0",
    components={"app": "6.0.0"},
    profiles=("gateway", "phone"),
    notes="**Depots** show their gates again.\n\n- the uplink is tried twice\n- less battery used",
    title="Fleet app 6",
    body="Depots show their gates again.",
    url="https://example.org/fleet-app",
    data={"channel": "stable"},
)
DRAFT = Draft(
    name="Sensor firmware",
    version="2.2.0",
    components={"app": "2.2.0"},
    profiles=("sensor",),
    notes="Waits for the climate chamber.",
)
PHASES = (
    PhaseSpec(percent=40, success_percent=50, error_percent=60),
    PhaseSpec(success_percent=50, error_percent=60),
)


def person(platform: Platform, email: str) -> Actor:
    """Give somebody of the demonstration as an actor."""
    with platform.unit(system_actor("setup"), write=False) as unit:
        user_id = unit.session.scalars(select(User.id).where(User.email == email)).one()
        return actor_of(unit.session, user_id, "demo")


def go_on_call(platform: Platform) -> None:
    """Put somebody on call for the whole fleet."""
    with platform.unit(person(platform, OPERATOR)) as unit:
        user_id = unit.session.scalars(select(User.id).where(User.email == ON_CALL)).one()
        OnCallService(unit).put(ROOT_GROUP_ID, OnCallDraft(entries=(Entry(user_id=user_id),)))


def watch_batteries(platform: Platform) -> None:
    """Make a rule that finds the sensors with the emptiest batteries."""
    with platform.unit(person(platform, OPERATOR)) as unit:
        groups = {group.name: group.id for group in GroupService(unit).list()}
        params = {"metric": BATTERY, "comparison": "<", "value": _low(unit), "hysteresis": 2}
        RuleService(unit).create(
            RuleDraft(
                name="Battery of a sensor is low",
                kind="telemetry_threshold",
                params=params,
                group_id=groups["Cold chain"],
            )
        )


def _low(unit: Unit) -> int:
    lowest = unit.session.scalars(
        select(LatestValue.num)
        .join(Metric, Metric.id == LatestValue.metric_id)
        .join(Device, Device.id == LatestValue.device_key)
        .join(Profile, Profile.id == Device.profile_id)
        .where(Metric.name == BATTERY, Profile.name == "sensor", LatestValue.num.is_not(None))
        .order_by(LatestValue.num)
        .limit(ALARMED)
    ).all()
    return int(lowest[-1] or 0) + 1 if lowest else LOW_PERCENT


def release(platform: Platform) -> None:
    """Publish a release and roll it out in two phases; another one stays a draft."""
    manager = person(platform, RELEASE_MANAGER)
    with platform.unit(manager) as unit:
        ReleaseService(unit).create(DRAFT)
        made = ReleaseService(unit).create(PUBLISHED).id
    _add_file(platform, manager, made)
    with platform.unit(manager) as unit:
        ReleaseService(unit).publish(made)
    with platform.unit(manager) as unit:
        spec = RolloutSpec(release_id=made, target=Target(group_id=ROOT_GROUP_ID), phases=PHASES)
        RolloutService(unit).start(spec)


def _add_file(platform: Platform, manager: Actor, release_id: str) -> None:
    """Give a release the gateways' file; nothing is held open while the bytes are written."""
    content, store = _archive(), platform.artifacts
    with platform.unit(manager) as unit:
        file = Announced(name="fleet-app.tar.gz", size=len(content), profile="gateway")
        upload = ArtifactService(unit, store).begin(release_id, file).id
    store.append(upload, 0, [content], len(content))
    sha256 = store.digest(upload)
    store.keep(upload, sha256)
    with platform.unit(manager) as unit:
        ArtifactService(unit, store).finish(release_id, upload, sha256)
    store.drop(upload)


def _archive() -> bytes:
    out, text = io.BytesIO(), b"the fleet's app, 6.0.0\n"
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        info = tarfile.TarInfo("app.txt")
        info.size = len(text)
        made.addfile(info, io.BytesIO(text))
    return out.getvalue()
