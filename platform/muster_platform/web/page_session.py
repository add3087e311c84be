"""Flask's own cookie carries a message from one page to the next; programs have none."""

from flask import Flask
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.wrappers import Request

from muster_platform.web.context import is_for_machines


class PageSessions(SecureCookieSessionInterface):
    """Opens a session for pages only: the API neither reads nor signs a cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the session of a page; None gives programs one that cannot be written."""
        return None if is_for_machines(request.path) else super().open_session(app, request)


def register(app: Flask) -> None:
    """Let the application open sessions so."""
    app.session_interface = PageSessions()
