"""Panels over the audit log: its newest entries, and whether its chain is whole."""

from muster_platform.access import audit_words
from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.audit_checks import AuditChecks, CheckState
from muster_platform.access.models import AuditEntry
from muster_platform.access.permissions import Permission
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.web.site.home.panel import ROWS, Panel


def trail(unit: Unit) -> list[AuditEntry]:
    """Give the newest entries."""
    return AuditService(unit).list(AuditFilter(), PageRequest(ROWS)).items


def seek(_unit: Unit) -> list[tuple[str, str]]:
    """Give the acts that can be asked for."""
    return sorted(audit_words.ACTS.items(), key=lambda pair: pair[1])


def chain(unit: Unit) -> CheckState:
    """Give how far the chain is checked, and what was found."""
    return AuditChecks(unit).state()


def panels() -> list[Panel]:
    """Make the panels of this subject."""
    return [
        Panel(
            name="trail",
            title="Latest acts",
            permissions=(Permission.AUDIT_READ,),
            read=trail,
            every_s=15,
            more=("Audit", "audit.index_view"),
        ),
        Panel(
            name="seek",
            title="Find an act",
            permissions=(Permission.AUDIT_READ,),
            read=seek,
        ),
        Panel(
            name="chain",
            title="Chain of the audit log",
            permissions=(Permission.AUDIT_READ,),
            read=chain,
            every_s=60,
        ),
    ]
