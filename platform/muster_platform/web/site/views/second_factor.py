"""Setting up one's second factor: QR code, first code, recovery codes."""

import segno
from flask import flash, redirect, request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response

from muster_platform.access.restrictions import SECOND_FACTOR
from muster_platform.access.second_factor import SecondFactorService
from muster_platform.errors import RateLimited
from muster_platform.web import auth, signing_in
from muster_platform.web.fresh import require_fresh
from muster_platform.web.site import gate

QR_SCALE = 4
QR_BORDER = 3


class SecondFactorPages(gate.SiteView):
    """One's own second factor."""

    def is_accessible(self) -> bool:
        """Let signed-in people in, also those who must set one up first.

        Raises:
            NotAuthenticated: nobody is signed in.
            Restricted: the password has to be changed before.
            CrossSite: a form came without its CSRF token.
        """
        auth.current_actor((SECOND_FACTOR,))
        return True

    @expose("/")
    def index(self) -> str:
        """Show how one stands, and the QR code while it is being set up."""
        with gate.reading() as unit:
            service = SecondFactorService(unit)
            standing, offer = service.standing(), service.offered()
        return self.render(
            "site/account/second_factor.html",
            standing=standing,
            offer=offer,
            qr=qr(offer.address) if offer else "",
        )

    @expose("/begin", methods=("POST",))
    def begin(self) -> Response:
        """Make a secret for an app."""
        require_fresh()
        return gate.act(
            lambda unit: SecondFactorService(unit).begin(),
            "Scan the code with your app.",
            url_for(".index"),
        )

    @expose("/confirm", methods=("POST",))
    def confirm(self) -> str | Response:
        """Set it up by a first code; shows the recovery codes, once."""
        code = request.form.get("code", "")
        try:
            with signing_in.counted_code(gate.actor().id), gate.writing() as unit:
                codes = SecondFactorService(unit).confirm(code)
        except (*gate.TELLABLE, RateLimited) as error:
            flash(gate.sentence(error), "error")
            return redirect(url_for(".index"))
        return self._codes(codes)

    @expose("/codes", methods=("POST",))
    def codes(self) -> str | Response:
        """Make new recovery codes; shows them, once."""
        require_fresh()
        try:
            with gate.writing() as unit:
                found = SecondFactorService(unit).renew_recovery_codes()
        except gate.TELLABLE as error:
            flash(gate.sentence(error), "error")
            return redirect(url_for(".index"))
        return self._codes(found)

    @expose("/remove", methods=("POST",))
    def remove(self) -> Response:
        """Take it away."""
        require_fresh()
        return gate.act(
            lambda unit: SecondFactorService(unit).remove(),
            "The second factor was removed.",
            url_for("account.index"),
        )

    def _codes(self, codes: list[str]) -> str:
        return self.render("site/account/recovery_codes.html", codes=codes)


def qr(address: str) -> str:
    """Give a QR code as data URI: black on white in any theme, since apps read it so."""
    code = segno.make(address, error="m", micro=False)
    uri: str = code.svg_data_uri(scale=QR_SCALE, border=QR_BORDER, light="white", dark="black")
    return uri
