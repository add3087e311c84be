"""What people choose for themselves: small values by name, no rights and no acts."""

from sqlalchemy import select

from muster_platform.access.granting import require_person
from muster_platform.access.models import UserPreference
from muster_platform.db.text import clean
from muster_platform.errors import InvalidInput
from muster_platform.unit import Unit

VALUE_CHARS = 64
NAMES = ("home",)
"""What may be chosen: the home that is shown first."""


class PreferenceService:
    """Reads and changes the actor's own choices; nobody sees another's."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def all(self) -> dict[str, str]:
        """Give what was chosen; what was not is not there."""
        rows = self._unit.session.scalars(
            select(UserPreference).where(UserPreference.user_id == self._unit.actor.id)
        )
        return {row.name: row.value for row in rows}

    def choose(self, name: str, value: str) -> None:
        """Choose a value; "" takes the choice back.

        Raises:
            PersonNeeded: by a token: only people prefer.
            InvalidInput: nothing of that name can be chosen, or the value is too long.
        """
        require_person(self._unit.actor, "choose for a person")
        if name not in NAMES:
            raise InvalidInput(f"one of {', '.join(NAMES)}", where="name")
        if len(value) > VALUE_CHARS or clean(value) != value:
            raise InvalidInput(f"at most {VALUE_CHARS} characters", where=name)
        session = self._unit.session
        row = session.get(UserPreference, (self._unit.actor.id, name))
        if row is not None and not value:
            session.delete(row)
        elif row is not None:
            row.value = value
        elif value:
            session.add(UserPreference(user_id=self._unit.actor.id, name=name, value=value))
