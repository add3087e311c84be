"""A right request for every route: whoever adds a route adds a line here."""

import itertools
from typing import Any

from sqlalchemy import select

from muster_platform.access import mails
from muster_platform.access.actor import system_actor
from muster_platform.access.groups import GroupService
from muster_platform.access.models import User
from muster_platform.access.roles import RoleService
from muster_platform.access.sign_in_models import SecondFactor
from muster_platform.access.sign_in_sessions import Seen, begin
from muster_platform.access.tokens import Scope, TokenService
from muster_platform.access.users import UserService
from muster_platform.alerts.oncall import OnCallDraft, OnCallService
from muster_platform.alerts.oncall_rules import Entry
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.approval import ApprovalService
from muster_platform.devices.bulk.run import advance_one
from muster_platform.devices.bulk.service import BulkService
from muster_platform.devices.credentials import CredentialService
from muster_platform.devices.enrolment import EnrolmentService
from muster_platform.devices.models import Credential, Device
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.selection import Selection
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import LatestValue, Metric, Quarantined, telemetry
from muster_platform.jobs.models import Execution
from muster_platform.jobs.service import JobService
from muster_platform.logs.fingerprint_models import Fingerprint, FingerprintDay
from muster_platform.logs.fingerprint_rules import DAY_MS
from muster_platform.logs.models import LogRecord
from muster_platform.outbox import Touched
from muster_platform.paging import PageRequest
from muster_platform.tasks import recording
from muster_platform.tasks.recording import Beginning, Rhythm
from muster_platform.unit import Unit
from muster_platform.web.api.routing import Route
from muster_protocol.ids import uuid7
from tests.integration.web import alarm_samples as alarms
from tests.integration.web import release_samples as releases
from tests.integration.web import rollout_samples as rollouts
from tests.integration.web.conftest import PASSWORD, World, role_user

_numbers = itertools.count(1)

BODIES: dict[str, dict[str, Any]] = {
    "create_rule": {"name": "Hot", "kind": "telemetry_threshold", "params": alarms.PARAMS},
    "preview_rule": {"name": "Hot", "kind": "telemetry_threshold", "params": alarms.PARAMS},
    "update_rule": {"severity": "critical"},
    "acknowledge_alarm": {"comment": "on it"},
    "unacknowledge_alarm": {"comment": "not mine"},
    "resolve_alarm": {"reason": "repaired"},
    "comment_alarm": {"text": "seen"},
    "assign_alarm": {"assignee_id": None},
    "sign_in": {"email": "administrator@example.org", "password": PASSWORD},
    "give_second_factor": {"challenge": "{challenge}", "code": "000000"},
    "forgot_password": {"email": "user-{n}@example.org"},
    "use_link": {"token": "{challenge}", "password": PASSWORD},
    "confirm_sign_in": {"password": PASSWORD},
    "confirm_second_factor": {"code": "000000"},
    "invite_user": {"email": "invited-{n}@example.org", "name": "Invited", "role": "viewer"},
    "reset_user_second_factor": {"reason": "lost the phone"},
    "change_password": {"old": PASSWORD, "new": "another good password"},
    "create_user": {"email": "new-{n}@example.org", "name": "New"},
    "update_user": {"name": "Renamed"},
    "set_password": {},
    "create_binding": {"role": "auditor"},
    "create_role": {"name": "role_new_{n}", "permissions": ["devices:read"]},
    "update_role": {"title": "Renamed", "permissions": ["devices:read", "logs:read"]},
    "create_api_token": {"name": "Pipeline {n}", "scopes": [{"permissions": ["devices:read"]}]},
    "create_group": {"name": "Group {n}"},
    "update_group": {"name": "Renamed {n}"},
    "create_profile": {"name": "profile-new-{n}", "contact": "periodic"},
    "update_profile": {"title": "Renamed", "metrics_max": 50, "logs_kept_days": None},
    "register_device": {"device_id": "new-{n}", "profile": "sensor"},
    "update_device": {"display_name": "Renamed", "tags": {"site": "berlin"}},
    "change_tags": {"add": {"floor": "3"}, "remove": ["site"]},
    "disable_device": {"reason": "lost"},
    "rotate_credential": {"overlap_s": 60},
    "import_devices": {"csv": "device_id,profile,group\nimported-{n},sensor,Berlin\n"},
    "approve_requests": {"requests": ["{request_id}"]},
    "reject_requests": {"requests": ["{request_id}"], "reason": "not ours"},
    "capture_messages": {"seconds": 60},
    "replay_quarantined": {"reason": "registered by now"},
    "replay_quarantine": {"reason": "unknown_device"},
    "delete_quarantine": {"reason": "syntax", "why": "known"},
    "attach_device": {"gateway": "{gateway_id}"},
    "restore_device": {"reason": "found again"},
    "purge_device": {"reason": "asked for"},
    "create_token": {"name": "Hall {n}", "profile": "sensor", "group_id": 1},
    "plan_command": {"name": "ping", "target": {"group": 1}},
    "create_command": {"name": "reboot", "target": {"devices": ["{device_id}"]}},
    "send_command": {"name": "reboot", "limits": {"timeout_s": 60}},
    "plan_bulk_change": {"selection": {"devices": ["{device_id}"]}, "act": "disable"},
    "start_bulk_change": {
        "selection": {"devices": ["{device_id}"]},
        "act": "disable",
        "digest": "{bulk_digest}",
    },
    "cancel_bulk_change": {},
    "undo_bulk_change": {},
    "put_preferences": {"home": "operator"},
    "put_settings": {"desired": {"interval_s": 30}},
    "patch_settings": {"desired": {"interval_s": 31, "gone": None}},
    "put_group_settings": {"desired": {"interval_s": 30}},
    "patch_group_settings": {"desired": {"interval_s": None, "rate": 2}},
    "plan_group_settings": {"desired": {"interval_s": 30}},
    "put_profile_settings": {"desired": {"interval_s": 30}},
    "patch_profile_settings": {"desired": {"rate": 2}},
    "plan_profile_settings": {"desired": {"interval_s": 30}},
    "put_on_call": {"zone": "Europe/Berlin", "entries": []},
    "update_fingerprint": {"state": "IGNORED", "reason": "known"},
    "create_release": {
        "name": "Firmware",
        "version": "new-{n}",
        "components": {"app": "2.0"},
        "profiles": ["sensor"],
    },
    "update_release": {"notes": "*New*"},
    "revoke_release": {"reason": "it breaks"},
    "begin_upload": {"name": "new-{n}.bin", "size": 10},
    "send_piece": {"bytes": "whatever they are"},
    **rollouts.BODIES,
    "cancel_job": {"reason": "not needed"},
    "pause_job": {},
    "resume_job": {},
    "retry_job": {},
    "cancel_execution": {},
    "retry_execution": {},
}
"""Operation -> body; `{n}` is a fresh number, other names are those of `fresh`."""

QUERIES: dict[str, dict[str, Any]] = {
    "find_anything": {"text": "device"},
    "get_history": {"metric": "temperature"},
    "why_access": {"permission": "devices:read"},
    "send_piece": {"offset": 0},
}
"""Operation -> query that it cannot do without."""

BEFORE: dict[str, tuple[str, ...]] = {
    "enable_device": ("/devices/{device_id}/disable",),
    "enable_user": ("/users/{user_id}/disable",),
    "retry_job": ("/executions/{execution_id}/cancel",),
    "resume_job": ("/jobs/{job_id}/pause",),
    **rollouts.BEFORE,
    "retry_execution": ("/executions/{execution_id}/cancel",),
}
"""Operation -> what must have been asked for before."""


def fresh(world: World, inside: int = 0) -> dict[str, Any]:
    """Make one of everything, and give the names by which paths call them.

    Args:
        inside: id of the group that it lies in; else Berlin.
    """
    n, home = next(_numbers), inside or world.berlin
    with world.platform.unit(system_actor("test")) as unit:
        devices = DeviceService(unit)
        if not any(profile.name == "sensor" for profile in ProfileService(unit).list()):
            ProfileService(unit).create("sensor")
        profile = ProfileService(unit).create(f"profile-{n}")
        group = GroupService(unit).create(f"Fresh {n}", home)
        device = devices.register(f"device-{n}", "sensor", group.id)
        CredentialService(unit).rotate(device.device_id)
        deleted = devices.register(f"deleted-{n}", "sensor", group.id)
        devices.delete(deleted.device_id, hooks=DEVICE_HOOKS)
        devices.register(f"gateway-{n}", "sensor", group.id)
        user, _ = UserService(unit).create(f"user-{n}@example.org", f"User {n}", PASSWORD)
        binding = UserService(unit).bind(user.id, "viewer")
        OnCallService(unit).put(group.id, OnCallDraft(entries=(Entry(user_id=user.id),)))
        role = RoleService(unit).create(f"role_{n}", ["devices:read"])
        reading = Scope(permissions=("devices:read",), group_id=group.id)
        api_token, _ = TokenService(unit).create(f"Program {n}", [reading], 30, user.id)
        token, _ = EnrolmentService(unit).create_token(f"Token {n}", "sensor", group.id)
        _, approving = EnrolmentService(unit).create_token(
            f"Approve {n}", "sensor", group.id, mode="approve"
        )
        EnrolmentService(unit).enrol(approving, f"asking-{n}", "i")
        job = JobService(unit).create_command("reboot", target={"devices": [device.device_id]})
        session = unit.session
        made_releases = releases.make(unit, world.platform.artifacts, n)
        said = _say(unit, device)
        return {
            **said,
            **_change(unit, device),
            **_signed_in(unit, user),
            "challenge": "no token of ours",
            "n": n,
            "number": 1,
            "name": profile.name,
            "empty_group": GroupService(unit).create(f"Empty {n}", home).id,
            "group_id": group.id,
            "device_id": device.device_id,
            "device_key": deleted.id,
            "gateway_id": f"gateway-{n}",
            "request_id": ApprovalService(unit).list("PENDING", PageRequest(1)).items[0].id,
            "credential_id": session.scalar(
                select(Credential.id).where(Credential.device_key == device.id)
            ),
            **_ran(unit),
            **alarms.make(unit, device, n),
            **made_releases,
            **rollouts.make(unit, group.id, made_releases["published_release_id"], n),
            "user_id": user.id,
            "binding_id": binding.id,
            "role_name": role.name,
            "api_token_id": api_token.id,
            "token_id": token.id,
            "job_id": job.id,
            "execution_id": session.scalar(select(Execution.id).where(Execution.job_id == job.id)),
        }


def _signed_in(unit: Unit, user: User) -> dict[str, Any]:
    """Let the user and the administrator be signed in; the user has a second factor."""
    seen, admin = Seen("192.0.2.1", "Test"), UserService(unit).by_email(role_user("administrator"))
    mail = mails.write(unit, user.email, "notice", title="T", name="N", what="W", action="")
    assert mail is not None
    mail.state = "failed"
    unit.session.add(
        SecondFactor(user_id=user.id, secret="A" * 32, created_at=1, confirmed_at=1, last_step=0)
    )
    return {
        "session_id": begin(unit, user, seen, second_factor=True).family,
        "own_session_id": begin(unit, admin, seen, second_factor=False).family,
        "mail_id": mail.id,
    }


def _ran(unit: Unit) -> dict[str, Any]:
    """Keep two runs of a task of the schedule: one failed, one goes on."""
    made = {}
    recording.announce(unit, [Rhythm(name="clean_tokens", words="", every_s=60.0, wakes="")])
    for name in ("failed_run_id", "run_id"):
        made[name] = uuid7(unit.now())
        given = {"name": "clean_tokens", "trigger": "wake", "actor_name": "worker"}
        now = unit.now()
        recording.begin(unit, Beginning(id=made[name], worker="w:1", queued_at=now, **given))
    recording.end(unit, made["failed_run_id"], "failed", 0, "it broke", [Touched("job", "1", "J")])
    return {**made, "task_name": "clean_tokens"}


def _change(unit: Unit, device: Device) -> dict[str, Any]:
    """Make a bulk change that has ended and one that runs; plan a third."""
    bulk, one = BulkService(unit), Selection(devices=(device.device_id,))
    made = []
    for value in ("done", "running"):
        args = {"add": {"bulk": value}}
        digest = bulk.plan(one, "tag", args).digest
        made.append(bulk.start(one, "tag", args, digest=digest).id)
        if value == "done":
            while advance_one(unit, DEVICE_HOOKS, 10):
                pass
    digest = bulk.plan(one, "disable", {}).digest
    return {"bulk_done_id": made[0], "bulk_id": made[1], "bulk_digest": digest}


def _say(unit: Unit, device: Device) -> dict[str, Any]:
    """Store what ingest would: a value, a log record, a message in quarantine."""
    session, now = unit.session, unit.now()
    metric = session.scalar(select(Metric).where(Metric.name == "temperature"))
    if metric is None:
        metric = Metric(name="temperature", kind="number")
        session.add(metric)
        session.flush()
    session.execute(
        telemetry.insert().values(device_key=device.id, metric_id=metric.id, ts=now, num=21.5)
    )
    log = LogRecord(
        id=f"{device.id}.boot.1.0",
        device_key=device.id,
        ts=now,
        received_at=now,
        level=50,
        logger="app",
        message="it broke",
        fields={},
        fingerprint=f"{device.id:032x}",
    )
    seen = dict.fromkeys(("first_seen", "last_seen"), now)
    session.add(Fingerprint(id=log.fingerprint, title="it broke", created_at=now, **seen))
    session.flush()
    counted = FingerprintDay(
        fingerprint=log.fingerprint,
        day=now // DAY_MS,
        device_key=device.id,
        version="2.1",
        count=1,
        level=50,
        sample_id=log.id,
        **seen,
    )
    bad = Quarantined(
        received_at=now,
        topic=f"muster/1/{device.device_id}/up/telemetry",
        device_id=device.device_id,
        device_key=device.id,
        payload=b"\x00\xff{",
        reason="encoding",
        detail="not UTF-8",
    )
    latest = LatestValue(device_key=device.id, metric_id=metric.id, ts=now, num=21.5)
    session.add_all([log, counted, bad, latest])
    session.flush()
    return {"record_id": log.id, "fingerprint": log.fingerprint, "message_id": bad.id}


def path_of(route: Route, names: dict[str, Any]) -> str:
    """Give the route's path with names filled in, behind /api/v1."""
    if route.operation_id == "delete_group":
        names = {**names, "group_id": names["empty_group"]}
    if route.operation_id == "end_own_session":
        names = {**names, "session_id": names["own_session_id"]}
    if route.operation_id == "unacknowledge_alarm":
        names = {**names, "alarm_id": names["acknowledged_alarm_id"]}
    if route.operation_id == "retry_task":
        names = {**names, "run_id": names["failed_run_id"]}
    if route.operation_id == "run_schedule":
        names = {**names, "name": names["task_name"]}
    if route.operation_id in releases.PATHS:
        names = {**names, "release_id": names[releases.PATHS[route.operation_id]]}
    if route.operation_id == "undo_bulk_change":
        names = {**names, "bulk_id": names["bulk_done_id"]}
    try:
        return route.path.format_map(names)
    except KeyError as missing:
        raise AssertionError(f"{route.path}: let `fresh` of samples.py make {missing}") from None


def body_of(route: Route, names: dict[str, Any]) -> dict[str, Any] | None:
    """Give a right body, None where the route takes none."""
    if route.body is None:
        return None
    if route.operation_id not in BODIES:
        raise AssertionError(
            f"{route.method} {route.path}: add a right body of {route.operation_id} to BODIES "
            "of tests/integration/web/samples.py"
        )
    return {**_filled(BODIES[route.operation_id], names)}


def prepare(world: World, route: Route, names: dict[str, Any]) -> None:
    """Do what must have been done before the route can work."""
    if route.operation_id == "detach_device":
        gateway = {"gateway": names["gateway_id"]}
        world.ok("PUT", f"/devices/{names['device_id']}/gateway", json=gateway)
    for path in BEFORE.get(route.operation_id, ()):
        world.ok("POST", path.format_map(names), json={})


def _filled(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return value.format_map(names)
    if isinstance(value, dict):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    return value


def query_of(route: Route) -> dict[str, Any]:
    """Give the query that the route cannot do without."""
    return QUERIES.get(route.operation_id, {})
