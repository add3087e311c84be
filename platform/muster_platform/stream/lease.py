"""One at a time: the lease of a role, and the fence against a former holder who is late."""

from sqlalchemy import text

from muster_platform.access.actor import Actor
from muster_platform.stream.ports import LeaseLost
from muster_platform.unit import Unit, Units


class RoleLease:
    """A row that says who does a role, until when.

    The clocks of the machines that could hold it must agree to well within the lease.
    """

    def __init__(self, units: Units, actor: Actor, name: str, owner: str, lease_s: int) -> None:
        """Prepare; nothing is taken yet.

        Args:
            units: opens transactions.
            actor: in whose name.
            name: of the role.
            owner: of this process, unique.
            lease_s: how long it holds without being renewed.
        """
        self.owner = owner
        self._units, self._actor, self._name = units, actor, name
        self._lease_ms = lease_s * 1000

    def hold(self) -> bool:
        """Take it, or take it for longer; False: somebody else has it."""
        with self._units.open(self._actor) as unit:
            now = unit.now()
            values = {
                "name": self._name,
                "owner": self.owner,
                "until": now + self._lease_ms,
                "now": now,
            }
            taken = unit.session.execute(
                text(
                    "INSERT INTO leases (name, owner, until, since)"
                    " VALUES (:name, :owner, :until, :now)"
                    " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner,"
                    " until = excluded.until, since = CASE WHEN leases.until < :now"
                    " THEN excluded.since ELSE leases.since END"
                    " WHERE leases.owner = excluded.owner OR leases.until < :now"
                    " RETURNING owner"
                ),
                values,
            ).first()
        return taken is not None

    def release(self) -> None:
        """Give it back, if it is ours; the row stays and says that nobody does the role now."""
        with self._units.open(self._actor) as unit:
            unit.session.execute(
                text(
                    "UPDATE leases SET owner = '', until = 0 WHERE name = :name AND owner = :owner"
                ),
                {"name": self._name, "owner": self.owner},
            )

    def fence(self, unit: Unit) -> None:
        """Refuse to go on in this transaction unless the lease is ours until it commits.

        Raises:
            LeaseLost: somebody else holds it.
        """
        share = " FOR SHARE" if unit.session.get_bind().dialect.name == "postgresql" else ""
        owner = unit.session.execute(
            text(f"SELECT owner FROM leases WHERE name = :name{share}"),  # noqa: S608
            {"name": self._name},
        ).scalar()
        if owner != self.owner:
            raise LeaseLost(f"the role {self._name} is done by {owner or 'nobody'} now")
