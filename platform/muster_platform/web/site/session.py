"""Signing in and out, in the browser: password, code, forgotten password, links from mails."""

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

from muster_platform.access.mail_links import INVITATION, LinkEnded
from muster_platform.access.password_rules import PASSWORD_CHARS
from muster_platform.access.restrictions import PASSWORD_CHANGE, SECOND_FACTOR
from muster_platform.errors import (
    InvalidInput,
    MusterError,
    NotAuthenticated,
    PermissionDenied,
    RateLimited,
)
from muster_platform.web import auth, device_cookie, signing_in
from muster_platform.web.context import platform
from muster_platform.web.fresh import require_fresh
from muster_platform.web.site.gate import safe_next, sentence

blueprint = Blueprint("session", __name__, url_prefix="/admin")

CHALLENGE_COOKIE = "sign_in_challenge"
LINK_COOKIE = "mailed_link"
LINK_COOKIE_S = 3600
REFUSALS = (NotAuthenticated, RateLimited, PermissionDenied)


@blueprint.get("/sign-in")
def sign_in_form() -> Response | str:
    """Show the form; whoever is signed in goes on at once."""
    target = safe_next(request.args.get("next"))
    if _is_signed_in():
        return make_response(redirect(target))
    return _page("sign_in", next=target, email="")


@blueprint.post("/sign-in")
def sign_in() -> Response:
    """Check the password and begin a session, or ask for a code."""
    target, email = safe_next(request.form.get("next")), request.form.get("email", "")
    try:
        found = signing_in.sign_in(email, request.form.get("password", ""))
    except REFUSALS as error:
        return _refused(error, "sign_in", next=target, email=email)
    return _go_on(found, target)


@blueprint.get("/sign-in/code")
def code_form() -> Response | str:
    """Ask for the code of the second factor."""
    target = safe_next(request.args.get("next"))
    if not request.cookies.get(CHALLENGE_COOKIE):
        return make_response(redirect(url_for(".sign_in_form", next=target)))
    return _page("sign_in_code", next=target)


@blueprint.post("/sign-in/code")
def give_code() -> Response:
    """Check the code and begin the session."""
    target = safe_next(request.form.get("next"))
    challenge = request.cookies.get(CHALLENGE_COOKIE, "")
    try:
        signed_in = signing_in.with_code(challenge, request.form.get("code", ""))
    except signing_in.WrongCode as error:
        return _refused(error, "sign_in_code", next=target)
    except NotAuthenticated:
        flash("That took too long. Give your password again.", "warning")
        answer = make_response(redirect(url_for(".sign_in_form", next=target), 303))
        _forget_challenge(answer)
        return answer
    except REFUSALS as error:
        return _refused(error, "sign_in_code", next=target)
    return _go_on(signed_in, target)


@blueprint.get("/forgot")
def forgot_form() -> str:
    """Ask whose password was forgotten."""
    return _page("forgot", email=request.args.get("email", "")[:254], sent=False)


@blueprint.post("/forgot")
def forgot() -> Response:
    """Mail a link, if anybody has the address; the answer is the same."""
    email = request.form.get("email", "").strip()
    try:
        signing_in.forgot(email)
    except REFUSALS as error:
        return _refused(error, "forgot", email=email, sent=False)
    return make_response(_page("forgot", email=email, sent=True))


@blueprint.get("/link/<token>")
def take_link(token: str) -> Response:
    """Take the secret out of the address, so that no history or Referer goes on with it."""
    answer = make_response(redirect(url_for(".link_form"), 303))
    answer.set_cookie(
        LINK_COOKIE,
        token[:128],
        max_age=LINK_COOKIE_S,
        path=url_for(".link_form"),
        httponly=True,
        secure=platform().settings.cookie_secure,
        samesite="Lax",
    )
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@blueprint.get("/link")
def link_form() -> Response:
    """Show the form to choose a password; nothing is used up yet."""
    try:
        user, purpose = signing_in.owner_of(request.cookies.get(LINK_COOKIE, ""))
    except (LinkEnded, RateLimited) as error:
        return _refused(error, "link_ended")
    return make_response(_page("set_password", email=user.email, invited=purpose == INVITATION))


@blueprint.post("/link")
def use_link() -> Response:
    """Set the password, and sign in."""
    token, password = request.cookies.get(LINK_COOKIE, ""), request.form.get("password", "")
    try:
        user, purpose = signing_in.owner_of(token)
        found = signing_in.by_link(token, password)
    except InvalidInput as error:
        return _refused(error, "set_password", email=user.email, invited=purpose == INVITATION)
    except REFUSALS as error:
        return _refused(error, "link_ended")
    flash("The password is set.", "success")
    answer = _go_on(found, url_for("admin.index"))
    answer.delete_cookie(LINK_COOKIE, path=url_for(".link_form"))
    return answer


@blueprint.route("/fresh", methods=("GET", "POST"))
def fresh() -> Response:
    """Ask for the password again, then go on to the page that was wanted.

    Raises:
        NotAuthenticated: nobody is signed in.
        FreshSignInRequired: it has to be given, or was wrong: the form is drawn.
    """
    auth.current_actor((SECOND_FACTOR,))
    require_fresh()
    return make_response(redirect(safe_next(request.values.get("next")), 303))


@blueprint.get("/session")
def session() -> tuple[str, int]:
    """Say whether the session holds; an access token that has run out is exchanged on the way.

    Raises:
        NotAuthenticated: it does not.
    """
    auth.current_actor((PASSWORD_CHANGE, SECOND_FACTOR))
    return "", 204


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session."""
    answer = make_response(redirect(url_for("session.sign_in_form"), 303))
    try:
        auth.current_actor((PASSWORD_CHANGE, SECOND_FACTOR))
        auth.sign_out()
    except NotAuthenticated:
        pass  # it ended before: what was wanted
    auth.clear_cookies(answer)
    flash("You are signed out.", "info")
    return answer


def _is_signed_in() -> bool:
    try:
        auth.current_actor((PASSWORD_CHANGE, SECOND_FACTOR))
    except NotAuthenticated:
        return False
    return True


def _go_on(found: auth.SignedIn | signing_in.Challenge, target: str) -> Response:
    """Go on to the code or to the page that was wanted; a page of one's own account comes first."""
    if isinstance(found, signing_in.Challenge):
        answer = make_response(redirect(url_for(".code_form", next=target), 303))
        answer.set_cookie(
            CHALLENGE_COOKIE,
            found.token,
            max_age=signing_in.CHALLENGE_S,
            path=url_for(".sign_in_form"),
            httponly=True,
            secure=platform().settings.cookie_secure,
            samesite="Lax",
        )
    else:
        if found.must_change_password:
            target = url_for("account.index")
        answer = make_response(redirect(target, 303))
        auth.set_cookies(answer, found)
        _forget_challenge(answer)
        device_cookie.give(answer, found.email)
    return answer


def _forget_challenge(answer: Response) -> None:
    answer.delete_cookie(CHALLENGE_COOKIE, path=url_for(".sign_in_form"))


def _page(template: str, problem: str = "", **values: object) -> str:
    values.setdefault("least", PASSWORD_CHARS.start)
    return render_template(f"site/{template}.html", problem=problem, actor=None, **values)


def _refused(error: MusterError, template: str, **values: object) -> Response:
    status = 401
    if isinstance(error, RateLimited | InvalidInput):
        status = 429 if isinstance(error, RateLimited) else 422
    answer = make_response(_page(template, sentence(error), **values), status)
    if isinstance(error, RateLimited):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer
