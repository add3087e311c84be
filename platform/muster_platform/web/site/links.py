"""Addresses of lists with filters set: a list names its filters, nobody counts them."""

from typing import Any

from flask import current_app, url_for

from muster_platform.web.site.filters import ListFilter


def list_url(endpoint: str, **filters: str) -> str:
    """Give the address of a list, narrowed.

    Args:
        endpoint: of its index, such as `device.index_view`.
        filters: {key of a filter: value}; "search" for the search field.

    Raises:
        KeyError: the list has no such filter.
    """
    view: Any = _views()[endpoint.partition(".")[0]]
    arguments: dict[str, Any] = {}
    for key, value in filters.items():
        arguments["search" if key == "search" else _argument(view, key)] = value
    return url_for(endpoint, **arguments)


def list_arg(endpoint: str, key: str) -> str:
    """Give the name by which a list's address carries a filter.

    Raises:
        KeyError: the list has no such filter.
    """
    return _argument(_views()[endpoint], key)


def _argument(view: Any, key: str) -> str:
    for index, item in enumerate(view._filters or ()):
        if isinstance(item, ListFilter) and item.key == key:
            return f"flt{index}_{view.get_filter_arg(index, item)}"
    raise KeyError(f"{view.endpoint} has no filter {key}")


def _views() -> dict[str, Any]:
    (admin,) = current_app.extensions["admin"]
    return {view.endpoint: view for view in admin._views}
