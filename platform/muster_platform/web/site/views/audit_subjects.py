"""Where the subject of an audit entry can be looked at, if it is still there for this reader."""

from collections.abc import Callable

from flask import url_for
from werkzeug.routing import BuildError

from muster_platform.access.groups import GroupService
from muster_platform.access.models import AuditEntry
from muster_platform.access.roles import RoleService
from muster_platform.access.tokens import TokenService
from muster_platform.access.users import UserService
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import NotFound, PermissionDenied
from muster_platform.jobs.service import JobService
from muster_platform.logs.fingerprints import FingerprintService
from muster_platform.unit import Unit


def _device(unit: Unit, entry: AuditEntry) -> str:
    device = DeviceService(unit).get(entry.subject_name)
    if str(device.id) != entry.subject_id:  # deleted, and its id given anew
        return ""
    return url_for("devices.page", device_id=device.device_id)


def _job(unit: Unit, entry: AuditEntry) -> str:
    return url_for("jobs.page", job_id=JobService(unit).get(entry.subject_id).id)


def _group(unit: Unit, entry: AuditEntry) -> str:
    return url_for("group.details_view", id=GroupService(unit).get(int(entry.subject_id)).id)


def _profile(unit: Unit, entry: AuditEntry) -> str:
    return url_for("profile.edit_view", id=ProfileService(unit).get(entry.subject_name).name)


def _user(unit: Unit, entry: AuditEntry) -> str:
    return url_for("user.details_view", id=UserService(unit).get(entry.subject_id).id)


def _role(unit: Unit, entry: AuditEntry) -> str:
    return url_for("role.details_view", id=RoleService(unit).get(entry.subject_name).name)


def _api_token(unit: Unit, entry: AuditEntry) -> str:
    return url_for("api_token.details_view", id=TokenService(unit).get(entry.subject_id).id)


def _fingerprint(unit: Unit, entry: AuditEntry) -> str:
    found = FingerprintService(unit).get(entry.subject_id)
    return url_for("fingerprints.page", fingerprint=found.id)


PAGES: dict[str, Callable[[Unit, AuditEntry], str]] = {
    "api_token": _api_token,
    "device": _device,
    "fingerprint": _fingerprint,
    "group": _group,
    "job": _job,
    "profile": _profile,
    "role": _role,
    "user": _user,
}
"""Kind of subject -> its page."""


def subject_url(unit: Unit, entry: AuditEntry) -> str:
    """Give the page of an entry's subject; "" where there is none, or not for this reader."""
    find = PAGES.get(entry.subject_kind)
    try:
        return find(unit, entry) if find else ""
    except (NotFound, PermissionDenied, ValueError, BuildError):
        return ""
