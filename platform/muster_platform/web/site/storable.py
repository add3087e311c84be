"""What no database takes (NUL, half a character) is refused before a page looks it up."""

from flask import Flask, Request, request
from werkzeug.datastructures import MultiDict

from muster_platform.web.api import decoding


class CheckedRequest(Request):
    """A request whose form holds only text that can be stored."""

    def _load_form_data(self) -> None:
        """Parse the body; werkzeug calls it when a field or file is first asked for.

        Raises:
            InvalidInput: a field cannot be stored; `where` is its name.
        """
        loaded = "form" in self.__dict__
        super()._load_form_data()
        if not loaded:
            _check_fields(self.form)


def register(app: Flask) -> None:
    """Look at every request for a page; the API checks its own."""
    app.request_class = CheckedRequest
    app.before_request(_check)


def _check() -> None:
    if request.path.startswith("/api/"):
        return
    decoding.path(request.view_args or {})
    _check_fields(request.args)


def _check_fields(fields: MultiDict[str, str]) -> None:
    for name, values in fields.lists():
        decoding.check_storable([name, *values], name)
