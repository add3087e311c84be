"""Passes of releases: pushes to phones, and order in the artifact store."""

import logging

from muster_platform.access.actor import system_actor
from muster_platform.adapters.fcm import fcm
from muster_platform.bootstrap import Platform
from muster_platform.outbox import Touched
from muster_platform.updates import cleaning, push
from muster_platform.updates.push import Claimed, Pusher, PushLater, PushRefused, TokenDead

BATCH = 500
PASS_PUSHES = 500
_ACTOR = system_actor("worker")

log = logging.getLogger(__name__)


def push_updates(platform: Platform, pusher: Pusher | None = None) -> int:
    """Push updates to phones that are away; give how many were tried."""
    pusher = pusher or fcm(platform.settings)
    if pusher is None:
        return 0
    with platform.unit(_ACTOR) as unit:
        push.find(unit, BATCH)
    for number in range(PASS_PUSHES):
        with platform.unit(_ACTOR) as unit:
            claimed = push.claim(unit)
        if claimed is None:
            return number
        if claimed.token:
            _push(platform, pusher, claimed)
    return PASS_PUSHES


def _push(platform: Platform, pusher: Pusher, claimed: Claimed) -> None:
    execution_id = claimed.execution_id
    try:
        answer = pusher.push(claimed.token, claimed.data, claimed.ttl_s)
    except PushLater as error:
        log.warning("push of execution %s: %s", execution_id, error)
        with platform.unit(_ACTOR) as unit:
            push.later(unit, execution_id, str(error), error.retry_after_s)
    except PushRefused as error:
        log.warning("push of execution %s: %s", execution_id, error)
        with platform.unit(_ACTOR) as unit:
            dead = isinstance(error, TokenDead)
            push.refused(unit, execution_id, str(error), dead=dead)
    else:
        with platform.unit(_ACTOR) as unit:
            push.sent(unit, execution_id, answer)
            unit.outbox.touched.append(Touched("execution", execution_id, "push to the phone"))


def clean_artifacts(platform: Platform) -> int:
    """Forget unfinished uploads, and delete files that no release has any more."""
    store = platform.artifacts
    with platform.unit(_ACTOR) as unit:
        found = cleaning.expire_uploads(unit, store, BATCH)
    with platform.unit(_ACTOR, write=False) as unit:
        return found + cleaning.remove_orphans(unit, store, BATCH)
