"""Who is at the other end of a WebSocket: origin, cookie, rights."""

from urllib.parse import urlsplit

from sqlalchemy import select

from muster_platform.access.actor import Actor
from muster_platform.access.models import RefreshToken, User
from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import Platform
from muster_platform.devices.models import Device
from muster_platform.errors import NotFound
from muster_platform.jobs.kinds import CommandKind, kind_of
from muster_platform.jobs.models import Job
from muster_platform.live.rules import FLEET, Wanted
from muster_platform.settings import Settings
from muster_platform.unit import Unit


def allowed_origin(origin: str | None, host: str, settings: Settings) -> bool:
    """Say whether a page of this origin may open the WebSocket.

    Browsers always send Origin, and send our cookie along from any page: without this check any
    page on the web could listen in a signed-in person's name. Taken are the site's public
    address, and the same host as the WebSocket's own on the web process' port.

    Args:
        host: the Host header, `name` or `name:port`.
    """
    if not origin:
        return False
    if origin.rstrip("/") == _origin(settings.public_url):
        return True
    try:
        asked, ours = urlsplit(origin), urlsplit(f"//{host}")
        same_host = asked.hostname is not None and asked.hostname == ours.hostname
        return same_host and asked.port in (settings.web_port, ours.port)
    except ValueError:
        return False


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def check(unit: Unit, wanted: Wanted) -> None:
    """Refuse a topic that the unit's actor may not hear.

    Raises:
        NotFound: no such device or job, or not for this actor's eyes.
        PermissionDenied: it may be seen, but not this kind of it.
    """
    actor = unit.actor
    if wanted.scope == FLEET:
        actor.require_somewhere(wanted.permission)
        return
    path, see = _group_path(unit, wanted)
    if path is None or not actor.may(see, path):
        raise NotFound(wanted.scope, wanted.subject)
    actor.require(wanted.permission, path)


def _group_path(unit: Unit, wanted: Wanted) -> tuple[str | None, Permission]:
    if wanted.scope == "job":
        job = unit.session.get(Job, wanted.subject)
        return (job.group_path if job else None), (kind_of(job) if job else CommandKind).read
    device = unit.session.scalar(
        select(Device).where(Device.id == int(wanted.subject), Device.deleted_at.is_(None))
    )
    return (device.group.path if device else None), Permission.DEVICES_READ


def current_epochs(platform: Platform, actor: Actor, user_ids: set[str]) -> dict[str, int]:
    """Read the present epochs of these users; a disabled user is not among them."""
    with platform.unit(actor, write=False) as unit:
        rows = unit.session.execute(
            select(User.id, User.epoch).where(User.id.in_(user_ids), User.disabled_at.is_(None))
        )
        return {row.id: row.epoch for row in rows}


def ended_sessions(platform: Platform, actor: Actor, families: set[str]) -> set[str]:
    """Give which of these sign-ins have been ended."""
    with platform.unit(actor, write=False) as unit:
        ended = select(RefreshToken.family).where(
            RefreshToken.family.in_(families), RefreshToken.revoked_at.is_not(None)
        )
        return set(unit.session.scalars(ended.distinct()))
