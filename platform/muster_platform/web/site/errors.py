"""Error pages: what was wrong, and what to do."""

from http import HTTPStatus

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import Actor
from muster_platform.access.restrictions import Restricted
from muster_platform.errors import MusterError, PermissionDenied
from muster_platform.web import auth
from muster_platform.web.context import request_id
from muster_platform.web.errors import SITE_PAGE
from muster_platform.web.fresh import FreshSignInRequired
from muster_platform.web.site.again import account_page, ask_again
from muster_platform.web.site.gate import is_fetch, sentence
from muster_platform.web.site.views.access import may_explain

TITLES = {
    400: ("The request could not be read", "alert-circle"),
    403: ("You may not do this", "shield-lock"),
    404: ("Not here", "search"),
    405: ("Not possible this way", "ban"),
    413: ("Too large", "alert-circle"),
    429: ("Too many requests", "hourglass"),
    503: ("Away for a moment", "plug-connected-x"),
}
FALLBACK = ("Something went wrong", "alert-triangle")


def register(app: Flask) -> None:
    """Let errors outside the API be pages."""
    app.extensions[SITE_PAGE] = page


def page(error: MusterError, status: int) -> Response:
    """Draw an error, or send to the sign-in where nobody is signed in."""
    if status == HTTPStatus.UNAUTHORIZED:
        if is_fetch():
            return make_response(error.detail, status)
        here = request.full_path.rstrip("?") if request.method == "GET" else None
        return make_response(redirect(url_for("session.sign_in_form", next=here)))
    if is_fetch():
        return make_response(sentence(error), status)
    if isinstance(error, Restricted):
        return make_response(redirect(url_for(account_page(error.restriction)), 303))
    if isinstance(error, FreshSignInRequired):
        return ask_again(error)
    title, icon_name = TITLES.get(status, FALLBACK)
    denied = isinstance(error, PermissionDenied) and bool(error.extra)
    return make_response(
        render_template(
            "site/error.html",
            actor=_person(),
            title=title,
            icon_name=icon_name,
            detail=_detail(error, status),
            permission=error.extra.get("permission") if denied else None,
            group=error.extra.get("group") if denied else None,
            why=may_explain(error),
            home=url_for("admin.index"),
            request_id=request_id() if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "",
        ),
        status,
    )


def _detail(error: MusterError, status: int) -> str:
    if status == HTTPStatus.NOT_FOUND and type(error) is MusterError:
        return f"There is no page at {request.path}. The navigation leads to all there are."
    return sentence(error)


def _person() -> Actor | None:
    """Give the signed-in person, or None: the page is then drawn without the frame."""
    try:
        return auth.maybe_actor()
    except (MusterError, SQLAlchemyError):  # what is broken may be the database
        return None
