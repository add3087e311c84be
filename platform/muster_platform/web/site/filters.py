"""Filters of lists: Flask-Admin's, with choices that depend on who looks."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flask_admin.model.filters import BaseFilter

Choices = Sequence[tuple[str, str]]


class FilterField(NamedTuple):
    """A filter as the list draws it.

    Attributes:
        arg: name in the query string.
        options: (value, text), or None for free text.
        empty: text of the choice that does not narrow.
        suggestions: of free text.
    """

    arg: str
    label: str
    empty: str
    options: Choices | None
    value: str
    suggestions: Sequence[str] = ()


class ListFilter(BaseFilter):
    """One condition of a list, handed to the service under its key.

    Attributes:
        key: name under which `ListQuery.filters` holds the value.
        choices: called at each request for (value, text); None for free text.
        suggestions: called at each request for what may be typed.
    """

    def __init__(
        self,
        key: str,
        name: str,
        choices: Callable[[], Choices] | None = None,
        empty: str = "",
        suggestions: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        super().__init__(name)
        self.key = key
        self.choices = choices
        self.suggestions = suggestions
        self.empty = empty or f"Any {name.lower()}"

    def operation(self) -> str:
        """Give the word between name and value."""
        return "is"

    def get_options(self, view: Any) -> None:
        """Give nothing when the view is made: choices depend on the person."""

    def validate(self, value: str) -> bool:
        """Take any text; the service says what is wrong with it."""
        return bool(value)

    def clean(self, value: str) -> str:
        """Give the value as it is."""
        return value

    def apply(self, query: Any, value: Any) -> Any:
        """Do nothing: services filter in SQL."""
        return query
