"""A person's two-factor sign-in: setting it up, renewing recovery codes, switching it off."""

from flask import (
    Response,
    flash,
    make_response,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user

from console.accounts import two_factor
from console.accounts.access import account_view, current_shell, safe_path
from console.accounts.forms import text
from console.accounts.models import Organization, User
from console.accounts.signin_forms import ConfirmationForm, EnrolmentForm, ProofForm
from console.accounts.views.blueprint import bp
from console.accounts.views.proofs import code_status, password_status
from console.core.db import db
from console.web.below import front_path
from console.web.htmx import go_to

RENEWAL, ENDING = "renewal-", "ending-"  # two forms of a page: their fields need names of their own
ENROLMENT = "enrolment"  # session key of the sealed secret that awaits its first code


@bp.get("/account/two-factor")
@account_view
def two_factor_page() -> Response:
    """Where it is set up or, if it is on, changed."""
    return _page(request.args.get("next"))


@bp.post("/account/two-factor/enrolment")
@account_view
def begin_two_factor() -> Response:
    """Make a secret for an authenticator app, kept in this browser's session until confirmed."""
    form = EnrolmentForm()
    if current_user.two_factor_since is not None:
        return _back(form.next.data)
    status = password_status(form.current) if form.validate() else 422
    if status != 200:
        return _page(form.next.data, status=status, enrolment=form)
    db.session.commit()
    session[ENROLMENT] = two_factor.begun_enrolment(current_user)
    return _back(form.next.data)


@bp.post("/account/two-factor/confirmation")
@account_view
def confirm_two_factor() -> Response:
    """Switch it on by a first code, and show the recovery codes once."""
    form = ConfirmationForm()
    secret = _pending_secret()
    if not secret:
        flash("That took too long. Begin again, and delete the entry in your app.", "warn")
        return _back(form.next.data)
    if not form.validate():
        return _page(form.next.data, status=422, confirmation=form)
    codes = two_factor.switch_on(_person(), secret, text(form.code))
    if codes is None:
        form.code.errors = ["This is not the code that the app shows now. Is its clock right?"]
        return _page(form.next.data, status=422, confirmation=form)
    db.session.commit()
    session.pop(ENROLMENT)
    return _shown_once(codes, form.next.data, fresh=True)


@bp.post("/account/two-factor/recovery-codes")
@account_view
def renew_recovery_codes() -> Response:
    """Put new recovery codes in place of the former ones, and show them once."""
    form = ProofForm(prefix=RENEWAL)
    status = _proven(form)
    if status != 200:
        return _page(None, status=status, renewal=form)
    codes = two_factor.renew_recovery_codes(_person())
    db.session.commit()
    return _shown_once(codes, url_for("accounts.account"), fresh=False)


@bp.post("/account/two-factor/ending")
@account_view
def end_two_factor() -> Response:
    form = ProofForm(prefix=ENDING)
    status = _proven(form)
    if status != 200:
        return _page(None, status=status, ending=form)
    two_factor.switch_off(_person())
    db.session.commit()
    flash("Two-factor sign-in is off: your password alone lets you in.", "good")
    return go_to(url_for("accounts.account"))


def _proven(form: ProofForm) -> int:
    """200 if the form holds both of the person's factors; else what to answer."""
    if not form.validate():
        return 422
    status = password_status(form.current)
    if status != 200:
        return status
    db.session.commit()
    return code_status(form.code, _person(), _accepts_either)


def _accepts_either(user: User, code: str) -> bool:
    return two_factor.accepts_recovery_code(user, code) or two_factor.accepts_code(user, code)


def _person() -> User:
    person: User = current_shell().user
    return person


def _requiring() -> list[Organization]:
    """The person's organizations that want a second factor."""
    organizations = [belonging.organization for belonging in current_shell().memberships]
    return [organization for organization in organizations if organization.two_factor_required]


def _pending_secret() -> str:
    return two_factor.enrolment_secret(_person(), session.get(ENROLMENT, ""))


def _back(then: str | None) -> Response:
    path = safe_path(then)
    return go_to(url_for("accounts.two_factor_page", next=None if path == front_path() else path))


def _page(
    then: str | None,
    *,
    status: int = 200,
    enrolment: EnrolmentForm | None = None,
    confirmation: ConfirmationForm | None = None,
    renewal: ProofForm | None = None,
    ending: ProofForm | None = None,
) -> Response:
    path, person = safe_path(then), _person()
    secret = "" if person.two_factor_since else _pending_secret()
    page = render_template(
        "accounts/two_factor.html",
        person=person,
        codes_left=two_factor.recovery_codes_left(person),
        requiring=_requiring(),
        secret=secret,
        qr_code=two_factor.qr_code(person, secret) if secret else "",
        enrolment=enrolment or EnrolmentForm(formdata=None, next=path),
        confirmation=confirmation or ConfirmationForm(formdata=None, next=path),
        renewal=renewal or ProofForm(formdata=None, prefix=RENEWAL),
        ending=ending or ProofForm(formdata=None, prefix=ENDING),
    )
    return _unkept(make_response(page, status))


def _shown_once(codes: list[str], then: str | None, *, fresh: bool) -> Response:
    page = render_template(
        "accounts/recovery_codes.html", codes=codes, then=safe_path(then), fresh=fresh
    )
    return _unkept(make_response(page))


def _unkept(answer: Response) -> Response:
    """Secrets stand on the page, so no browser may keep it."""
    answer.headers["Cache-Control"] = "no-store"
    return answer
