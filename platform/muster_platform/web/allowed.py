"""Whether something is worth offering: the one rule of links, buttons and panels."""

from muster_platform.access.actor import Actor
from muster_platform.access.permissions import GLOBAL, Permission


def is_allowed(actor: Actor, permission: Permission) -> bool:
    """Say whether the actor has the permission where it can be of use.

    Those on things without a group are needed everywhere; of the others one group is enough. The
    services decide in any case.
    """
    return actor.may(permission) if permission in GLOBAL else actor.may_somewhere(permission)
