"""Cells of lists, drawn by the macros of one template."""

from collections.abc import Callable
from typing import Any

from flask import current_app


def cell(macro: str, attribute: str = "") -> Callable[..., Any]:
    """Make a column formatter that draws a row, or one attribute of it, by a macro.

    Args:
        macro: name in `site/cells.html`.
        attribute: dotted path that the macro gets; the whole row when "".
    """

    def draw(_view: Any, _context: Any, model: Any, _name: str) -> Any:
        value = model
        for part in attribute.split(".") if attribute else ():
            value = getattr(value, part)
        module: Any = current_app.jinja_env.get_template("site/cells.html").module
        return getattr(module, macro)(value)

    return draw
