"""Before and after of an act, side by side: what changed, in rows people can read. Pure."""

import json
from dataclasses import dataclass
from typing import Any

ROWS_MAX = 500


@dataclass(frozen=True, slots=True)
class Changed:
    """One value that an act changed.

    Attributes:
        name: path inside the JSON document, `tags.site`; "" for the whole.
        before, after: as text; None where there was or is no such value.
    """

    name: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        """Give added, removed or changed."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def changes(before: Any, after: Any) -> list[Changed]:
    """Give what differs, by name; lists are compared as wholes."""
    old, new = _flat(before), _flat(after)
    names = [*old, *(name for name in new if name not in old)]
    found = [Changed(name, old.get(name), new.get(name)) for name in names]
    return [row for row in found if row.before != row.after][:ROWS_MAX]


def _flat(value: Any, path: str = "") -> dict[str, str]:
    if value is None and not path:
        return {}
    if isinstance(value, dict) and value:
        found: dict[str, str] = {}
        for key, item in value.items():
            found |= _flat(item, f"{path}.{key}" if path else str(key))
        return found
    return {path: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}
