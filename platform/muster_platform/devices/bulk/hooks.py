"""Bulk changes follow the tree of groups."""

from sqlalchemy import func, literal, update

from muster_platform.devices.bulk.models import BulkChange
from muster_platform.unit import Unit


class BulkGroupHooks:
    """Implements access.groups.GroupHooks: who may see a change follows its group."""

    def on_group_moved(self, unit: Unit, old_path: str, new_path: str) -> None:
        """Rewrite the paths of changes inside the group."""
        rest = func.substr(BulkChange.group_path, len(old_path) + 1)
        unit.session.execute(
            update(BulkChange)
            .where(BulkChange.group_path.startswith(old_path, autoescape=True))
            .values(group_path=literal(new_path) + rest)
            .execution_options(synchronize_session=False)
        )
