"""Asking for the password again on the way: the form that was sent is sent again with it."""

from http import HTTPStatus

from flask import Response, g, make_response, redirect, render_template, request, url_for

from muster_platform.access.auth import has_second_factor
from muster_platform.access.restrictions import PASSWORD_CHANGE
from muster_platform.web import auth
from muster_platform.web.context import platform
from muster_platform.web.csrf import FIELD
from muster_platform.web.fresh import CODE_FIELD, PASSWORD_FIELD, FreshSignInRequired
from muster_platform.web.site.gate import sentence

NOT_AGAIN = frozenset({FIELD, PASSWORD_FIELD, CODE_FIELD})


def account_page(restriction: str) -> str:
    """Give the endpoint of the page on which a restricted person does what is asked for."""
    return "account.index" if restriction == PASSWORD_CHANGE else "second_factor.index"


def ask_again(error: FreshSignInRequired) -> Response:
    """Ask for the password (and a code), keeping what the person was about to do."""
    if request.method == "GET" and request.endpoint != "session.fresh":
        here = request.full_path.rstrip("?")
        return make_response(redirect(url_for("session.fresh", next=here)))
    actor = auth.current_actor(tuple(g.get("open_to", ())))
    with platform().unit(actor, write=False) as unit:
        asks_code = has_second_factor(unit.session, actor.id)
    fields = request.form.items(multi=True)
    kept = [(name, value) for name, value in fields if name not in NOT_AGAIN]
    return make_response(
        render_template(
            "site/account/fresh.html",
            actor=actor,
            action=request.full_path.rstrip("?"),
            kept=kept,
            files=bool(request.files),
            asks_code=asks_code,
            problem=sentence(error) if error.problem else "",
        ),
        HTTPStatus.FORBIDDEN if error.problem else HTTPStatus.OK,
    )
