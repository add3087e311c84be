"""A test mail to the people of an on-call list: better found out now than at night."""

from muster_platform.access import audit, mails
from muster_platform.access.groups import group_by_id
from muster_platform.access.models import User
from muster_platform.access.permissions import Permission
from muster_platform.alerts.oncall import OnCallService, may_read, rota_of
from muster_platform.alerts.telling import TEST
from muster_platform.errors import Conflict, PermissionDenied
from muster_platform.unit import Unit

ONCE_MS = 60_000
"""Asked for again within the same minute, nobody gets a second one."""


def send_test(unit: Unit, group_id: int) -> list[User]:
    """Write a test mail to everybody on the list of a group, now on call or not.

    Returns:
        Who gets one, in the order of the list.

    Raises:
        NotFound: no such group for the actor, or it has no list of its own.
        PermissionDenied: without rules:write on the group.
        Conflict: nobody on the list can be told.
    """
    row = OnCallService(unit).get(group_id)
    group = group_by_id(unit.session, group_id)
    if not unit.actor.may(Permission.RULES_WRITE, group.path):
        raise PermissionDenied(Permission.RULES_WRITE, group.name, group.path)
    rota = rota_of(row)
    ids = [entry.user_id for entry in rota.entries]
    ids += [away.instead_id for away in rota.absences if away.instead_id]
    able = [one for one in dict.fromkeys(ids) if may_read(unit.session, one, group.path)]
    people = [user for one in able if (user := unit.session.get(User, one)) is not None]
    if not people:
        raise Conflict(f"nobody on the list of {group.name} can be told; put somebody on it")
    minute = unit.now() // ONCE_MS
    for user in people:
        mails.write(
            unit, user.email, TEST, dedup=f"on_call_test:{group.id}:{user.id}:{minute}",
            urgent=True, name=user.name, group=group.name, by=unit.actor.name,
        )  # fmt: skip
    after = {"people": [user.name for user in people]}
    audit.record(unit, "on_call.test", "group", group.id, group.name, after=after)
    return people
