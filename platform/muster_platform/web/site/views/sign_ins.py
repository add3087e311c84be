"""Sign-ins of people, for administrators: tries, what lasts, second factors."""

from flask import request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.access.second_factor import SecondFactorService
from muster_platform.access.sign_in_sessions import SessionService
from muster_platform.access.sign_ins import SignInService
from muster_platform.access.users import UserService
from muster_platform.web.fresh import require_fresh
from muster_platform.web.site import gate, sign_in_words

TRIES = 100
TRIES_OF_ONE = 30


class SignIns(gate.SiteView):
    """What an administrator sees of sign-ins, and does about them."""

    @expose("/")
    def index(self) -> str:
        """List the last tries to sign in, of all accounts."""
        with gate.reading() as unit:
            service = SignInService(unit)
            return self.render(
                "site/people/sign_ins.html",
                tries=sign_in_words.told(service.recent(TRIES)),
                day=service.counts(unit.now() - 86_400_000),
            )

    @expose("/of/<user_id>")
    def person(self, user_id: str) -> str:
        """Show one person's sign-ins and second factor."""
        with gate.reading() as unit:
            return self.render(
                "site/people/sign_ins_of.html",
                person=UserService(unit).get(user_id),
                standing=SecondFactorService(unit).standing(user_id),
                sessions=SessionService(unit).list(user_id),
                tries=sign_in_words.told(SignInService(unit).recent(TRIES_OF_ONE, user_id)),
                device=sign_in_words.device,
            )

    @expose("/of/<user_id>/sessions/<family>/end", methods=("POST",))
    def end_session(self, user_id: str, family: str) -> Response:
        """End one sign-in of a person."""
        require_fresh()
        return gate.act(
            lambda unit: SessionService(unit).end(user_id, family),
            "That sign-in was ended.",
            url_for(".person", user_id=user_id),
        )

    @expose("/of/<user_id>/sessions/end", methods=("POST",))
    def end_sessions(self, user_id: str) -> Response:
        """End all sign-ins of a person."""
        require_fresh()
        return gate.act(
            lambda unit: SessionService(unit).end_others(user_id),
            "The sign-ins were ended.",
            url_for(".person", user_id=user_id),
        )

    @expose("/of/<user_id>/second-factor/reset", methods=("POST",))
    def reset(self, user_id: str) -> Response:
        """Take a person's second factor away."""
        require_fresh()
        reason = request.form.get("reason", "").strip()[:1_000] or None
        return gate.act(
            lambda unit: SecondFactorService(unit).reset(user_id, reason),
            "The second factor was reset, and the person was told by mail.",
            url_for(".person", user_id=user_id),
        )
