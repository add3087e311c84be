"""One's own account: password, second factor, sign-ins, rights."""

from collections import defaultdict

from flask import flash, redirect, request, url_for
from flask_admin import expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from muster_platform.access.actor import Actor
from muster_platform.access.models import Group
from muster_platform.access.password_rules import PASSWORD_CHARS
from muster_platform.access.restrictions import PASSWORD_CHANGE
from muster_platform.access.second_factor import SecondFactorService
from muster_platform.access.sign_in_sessions import SessionService
from muster_platform.access.sign_ins import SignInService
from muster_platform.access.users import UserService
from muster_platform.errors import RateLimited
from muster_platform.unit import Unit
from muster_platform.web import auth, signing_in
from muster_platform.web.site import gate, sign_in_words

TRIES = 20
OPEN_TO = {
    "account.index": (PASSWORD_CHANGE,),
    "account.password": (PASSWORD_CHANGE,),
}
"""What a page lets people do who must do something first; all others send them here."""


class Account(gate.SiteView):
    """What people change of themselves."""

    def is_accessible(self) -> bool:
        """Let signed-in people in, and to the first page who must choose a password.

        Raises:
            NotAuthenticated: nobody is signed in.
            Restricted: there is something the person must do first, elsewhere.
            CrossSite: a form came without its CSRF token.
        """
        auth.current_actor(OPEN_TO.get(request.endpoint or "", ()))
        return True

    @expose("/")
    def index(self) -> str:
        """Show what one may change; only the password where that has to be changed first."""
        me, least = gate.actor(), PASSWORD_CHARS.start
        if me.restriction:
            return self.render("site/account/first_password.html", least=least)
        with gate.reading() as unit:
            return self.render(
                "site/account.html",
                rights=rights(unit, me),
                standing=SecondFactorService(unit).standing(),
                sessions=SessionService(unit).list(me.id),
                tries=sign_in_words.told(SignInService(unit).recent(TRIES, me.id)),
                device=sign_in_words.device,
                least=least,
            )

    @expose("/password", methods=("POST",))
    def password(self) -> Response:
        """Change the password; all other sessions end."""
        me = gate.actor()
        old, new = request.form.get("old", ""), request.form.get("new", "")
        back = url_for("admin.index" if me.restriction else ".index")
        try:
            with signing_in.counted_code(me.id), gate.writing() as unit:
                UserService(unit).change_own_password(old, new)
        except (*gate.TELLABLE, RateLimited) as error:
            flash(gate.sentence(error), "error")
            return redirect(url_for(".index"))
        flash("The password was changed.", "success")
        return redirect(back)

    @expose("/sessions/<family>/end", methods=("POST",))
    def end_session(self, family: str) -> Response:
        """End one of one's sign-ins."""
        return gate.act(
            lambda unit: SessionService(unit).end(unit.actor.id, family),
            "That sign-in was ended.",
            url_for(".index"),
        )

    @expose("/sessions/end-others", methods=("POST",))
    def end_others(self) -> Response:
        """End all sign-ins but this one."""
        return gate.act(
            lambda unit: SessionService(unit).end_others(unit.actor.id),
            "All other sign-ins were ended.",
            url_for(".index"),
        )


def rights(unit: Unit, actor: Actor) -> list[tuple[str, list[str]]]:
    """Give (where, permissions) for each place that the actor has rights on."""
    paths = [grant.group_path for grant in actor.grants if grant.group_path is not None]
    rows = unit.session.execute(select(Group.path, Group.name).where(Group.path.in_(paths)))
    names = {row.path: row.name for row in rows}
    found: dict[str, set[str]] = defaultdict(set)
    for grant in actor.grants:
        where = "Everywhere" if grant.group_path is None else names.get(grant.group_path, "?")
        found[where] |= set(map(str, grant.permissions))
    return [(where, sorted(names_)) for where, names_ in sorted(found.items())]
