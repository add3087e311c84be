"""The pass over the audit chain: checked hourly, whole once a day, its head told to the log."""

import logging

from muster_platform.access.actor import system_actor
from muster_platform.access.audit_checks import AuditChecks
from muster_platform.bootstrap import Platform

log = logging.getLogger("muster.audit")

_ACTOR = system_actor("worker")


def verify_audit(platform: Platform) -> int:
    """Check the chain of the audit log; give how many entries were gone through.

    Once a day the head is printed: kept with the logs of another machine, it shows a chain that
    was rewritten as a whole (`muster audit verify --head NUMBER:HASH`).
    """
    with platform.unit(_ACTOR, write=False) as unit:
        before = AuditChecks(unit).state().intact.number
        found = AuditChecks(unit).look()
    with platform.unit(_ACTOR) as unit:
        AuditChecks(unit).keep(found)
        heads = list(AuditChecks(unit).head_to_log())
    if found.finding is not None:
        log.error("the audit log was tampered with: %s", found.finding.detail)
    for head in heads:
        log.info("audit head %d %s", head.number, head.hash)
    return max(found.intact.number - before, 0)
