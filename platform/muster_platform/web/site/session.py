"""Signing in and out, in the browser."""

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)

from muster_platform.errors import MusterError, NotAuthenticated, PermissionDenied, RateLimited
from muster_platform.web import auth
from muster_platform.web.site.gate import safe_next, sentence

blueprint = Blueprint("session", __name__, url_prefix="/admin")


@blueprint.get("/sign-in")
def sign_in_form() -> Response | str:
    """Show the form; whoever is signed in goes on at once."""
    target = safe_next(request.args.get("next"))
    if auth.maybe_actor() is not None:
        return make_response(redirect(target))
    return _form(target)


@blueprint.post("/sign-in")
def sign_in() -> Response:
    """Check the password and begin a session."""
    target, email = safe_next(request.form.get("next")), request.form.get("email", "")
    try:
        signed_in = auth.sign_in(email, request.form.get("password", ""))
    except (NotAuthenticated, RateLimited, PermissionDenied) as error:
        return _refused(error, target, email)
    if signed_in.must_change_password:
        flash("This password was given to you. Choose one of your own now.", "warning")
        target = url_for("account.index")
    answer = make_response(redirect(target, 303))
    auth.set_cookies(answer, signed_in)
    return answer


@blueprint.get("/session")
def session() -> tuple[str, int]:
    """Say whether the session holds; an access token that has run out is exchanged on the way.

    Raises:
        NotAuthenticated: it does not.
    """
    auth.current_actor()
    return "", 204


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session."""
    answer = make_response(redirect(url_for("session.sign_in_form"), 303))
    try:
        auth.current_actor()
        auth.sign_out()
    except NotAuthenticated:
        pass  # it ended before: what was wanted
    auth.clear_cookies(answer)
    flash("You are signed out.", "info")
    return answer


def _form(target: str, email: str = "", problem: str = "") -> str:
    return render_template(
        "site/sign_in.html", next=target, email=email, problem=problem, actor=None
    )


def _refused(error: MusterError, target: str, email: str) -> Response:
    status = 429 if isinstance(error, RateLimited) else 401
    answer = make_response(_form(target, email, sentence(error)), status)
    if isinstance(error, RateLimited):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer
