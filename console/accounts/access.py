"""Who may call a view: each view declares it in its first line, and architecture tests read it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, NoReturn

from flask import Flask, Response, abort, current_app, g, request, session, url_for
from flask_login import current_user
from sqlalchemy import select, update

from console.accounts import repositories, sessions, slugs
from console.accounts.models import ApiToken, Organization, Project, Role, User
from console.accounts.queries import Belonging, belongings
from console.core import clock
from console.core.crypto import hash_of
from console.core.db import db
from console.core.noting import note
from console.core.tenancy import bearer, enter_organization
from console.core.urls import split_url
from console.web.below import front_path
from console.web.errors import problem, provide_shell
from console.web.frame import csrf
from console.web.htmx import go_to, is_htmx

View = Callable[..., Any]
# What a script's token may be allowed; each API view asks for one of them.
PERMISSIONS = {
    "issues:read": "Read issues and their events",
    "issues:delete": "Delete issues with their events",
    "outcomes:read": "Read what happened to everything that was sent",
    "performance:read": "Read endpoints, statements, traces and web vitals",
    "metrics:read": "Read every metric, and how it went",
    "changes:read": "Read what changed from the days before",
    "reports:read": "Read reports, who gets them, and their editions",
    "reports:write": "Make, change, send and delete reports",
    "dashboards:read": "Read dashboards, their tiles' numbers, and notes on the time axis",
    "dashboards:write": "Make, change and delete dashboards, and notes on the time axis",
    "organization-dashboards:read": "Read dashboards across all projects, and their numbers",
    "organization-dashboards:write": "Make, change, share and delete dashboards across projects",
    "checks:read": "Read checks, their results, maintenance and status pages",
    "checks:write": "Change checks, maintenance and status pages, and read their secret links",
    "rules:read": "Read alert rules, and test them on the past",
    "rules:write": "Make, change and delete alert rules",
    "policies:read": "Read escalation policies, and try them out",
    "policies:write": "Make, change, choose and delete escalation policies",
    "incidents:read": "Read incidents and silences",
    "incidents:write": "Acknowledge, snooze, resolve and annotate incidents; make and end silences",
    "channels:read": "Read channels, without their secrets",
    "channels:write": "Make, change, try out and delete channels",
    "deliveries:read": "Read which messages were delivered, and which were not",
    "deliveries:write": "Try messages again that were not delivered, or discard them",
}
LAST = "last"  # session key: the path of the project that was looked at last
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Access:
    """What a view declares about access: kind is public, account, organization, project or api.

    `by_link`: its address holds a token, so it goes into no referrer, trace or cache.
    """

    kind: str
    role: Role | None = None
    permission: str = ""
    by_link: bool = False


@dataclass(slots=True)
class Shell:
    """What the frame of a page shows: the person, where they are, and where else they can go."""

    user: User
    memberships: list[Belonging]
    organization: Organization | None = None
    role: Role | None = None
    project: Project | None = None
    _projects: list[Project] | None = None

    @property
    def projects(self) -> list[Project]:
        """The organization's projects by name, read once for the page's switcher."""
        if self._projects is None:
            self._projects = list(db.session.scalars(select(Project).order_by(Project.name)))
        return self._projects


def init_app(app: Flask) -> None:
    """Keep people signed in, and give templates the person; call it before blueprints register."""
    slugs.init_app(app)
    repositories.init_app(app)
    sessions.init_app(app)
    app.context_processor(lambda: {"shell": g.get("shell")})
    app.after_request(_keep_links_private)
    provide_shell(app, _shell_of_address)


def current_shell() -> Shell:
    """The person and the place, inside a view that is not public."""
    shell: Shell = g.shell
    return shell


def public_view(view: View) -> View:
    """Let anybody call the view; the list of these is short and tested."""
    view.access = Access("public")  # type: ignore[attr-defined]
    return view


def link_view(view: View) -> View:
    """Let whoever follows a link with a token call the view; it is public, and checks the token."""
    view.access = Access("public", by_link=True)  # type: ignore[attr-defined]
    return view


def account_view(view: View) -> View:
    """Let every signed-in person call `view(…)`; for what belongs to no organization."""

    @wraps(view)
    def guarded(**rest: Any) -> Any:
        _enter_console()
        return view(**rest)

    return _declare(guarded, Access("account"))


def organization_view(role: str) -> Callable[[View], View]:
    """Let members of `<slug:organization>` with at least this role call `view(organization=…)`."""
    needed = Role(role)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(organization: str, **rest: Any) -> Any:
            shell = _enter_organization(organization, needed)
            return view(organization=shell.organization, **rest)

        return _declare(guarded, Access("organization", role=needed))

    return decorate


def project_view(role: str) -> Callable[[View], View]:
    """Let members with at least this role call `view(project=…)` on `/<organization>/<project>/…`.

    What does not exist, or belongs to an organization of which the person is no member, is a 404.
    """
    needed = Role(role)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(organization: str, project: str, **rest: Any) -> Any:
            shell = _enter_organization(organization, needed)
            shell.project = db.session.scalar(select(Project).where(Project.slug == project))
            if shell.project is None:
                abort(404)
            _remember(f"/{organization}/{project}/")
            return view(project=shell.project, **rest)

        return _declare(guarded, Access("project", role=needed))

    return decorate


def api_view(permission: str) -> Callable[[View], View]:
    """Let a script whose token has this permission call `view(project=…)` of the token's project.

    401 without a valid token, 403 without the permission, 404 for any other project's path; all as
    problem+json. Takes no cookie, and so needs no CSRF token.
    """
    if permission not in PERMISSIONS:
        raise ValueError(f"{permission} is not among PERMISSIONS")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(organization: str, project: str, **rest: Any) -> Any:
            token = _presented_token()
            enter_organization(token.organization_id)
            _used(token)
            if permission not in token.permissions:
                detail = f"This token lacks the permission {permission}."
                _refuse(403, "Forbidden", detail, lacking=permission)
            own = db.session.scalar(select(Project).where(Project.id == token.project_id))
            home = db.session.get(Organization, token.organization_id)
            if not own or not home or (home.slug, own.slug) != (organization, project):
                _refuse(404, "Not Found", "This token's project is not at this address.")
            g.script = token.label  # who acts, for histories
            g.script_owner_id = token.created_by_id  # whose acts they are when that person leaves
            g.script_permissions = frozenset(token.permissions)
            return view(project=own, **rest)

        csrf.exempt(guarded)
        return _declare(guarded, Access("api", permission=permission))

    return decorate


def script_may(permission: str) -> bool:
    """Whether the token of the request has another permission than the one its view asks for."""
    return permission in g.get("script_permissions", ())


def safe_path(path: str | None) -> str:
    """The path if it stays on this console, else the front page: where to go after a sign-in."""
    front = front_path()
    if not path or not path.startswith(front) or path.startswith(("//", "/\\")):
        return front
    # Browsers leave line breaks and tabs out, so that what follows them may be a host.
    return path if path.isprintable() else front


def _declare(view: View, access: Access) -> View:
    view.access = access  # type: ignore[attr-defined]
    return view


def me() -> User:
    """Who is signed in: the model, not its proxy."""
    user: User = current_user._get_current_object()  # noqa: SLF001
    return user


def access_of(app: Flask, endpoint: str | None) -> Access | None:
    """What the view of an endpoint declares; None for files, and where there is no such view."""
    declared: Access | None = getattr(app.view_functions.get(endpoint or ""), "access", None)
    return declared


def _keep_links_private(response: Response) -> Response:
    access = access_of(current_app, request.endpoint)
    if access is not None and access.by_link:
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def _enter_console() -> Shell:
    if not current_user.is_authenticated:
        abort(_to_login(_page()))
    user = me()
    shell = Shell(user, belongings(user.id))
    g.shell = shell
    return shell


def _to_login(then: str) -> Response:
    return go_to(url_for("accounts.login", next=None if then == front_path() else then))


def _to_two_factor(then: str) -> Response:
    """Redirect a person without the required second factor to the page that sets it up."""
    return go_to(url_for("accounts.two_factor_page", next=then))


def _page() -> str:
    """Where to come back to: a part leads to the page that asked for it, a change to the front."""
    if is_htmx():
        shown = split_url(request.headers.get("HX-Current-URL", front_path()))
        return f"{shown.path}?{shown.query}".rstrip("?")
    return request.full_path.rstrip("?") if request.method == "GET" else front_path()


def _shell_of_address() -> Shell | None:
    """The signed-in person and the part of the address that they may see; None for a stranger.

    It serves error pages: no view was called, or it refused before it had read everything.
    """
    if not current_user.is_authenticated:
        return None
    shell: Shell = g.get("shell") or _enter_console()
    _, organization, project = (request.path + "//").split("/")[:3]
    if shell.organization is None:
        matches = (
            membership
            for membership in shell.memberships
            if membership.organization.slug == organization
        )
        belonging = next(matches, None)
        if belonging is None or not _is_let_in(shell, belonging):
            return shell
        enter_organization(belonging.organization.id)
        shell.organization, shell.role = belonging.organization, belonging.role
    if shell.project is None and shell.organization.slug == organization:
        shell.project = db.session.scalar(select(Project).where(Project.slug == project))
    return shell


def _enter_organization(slug: str, needed: Role) -> Shell:
    shell = _enter_console()
    for belonging in shell.memberships:
        if belonging.organization.slug == slug:
            if not _is_let_in(shell, belonging):
                abort(_to_two_factor(_page()))
            enter_organization(belonging.organization.id)
            shell.organization, shell.role = belonging.organization, belonging.role
            if not belonging.role.may(needed):
                abort(403, f"This needs the role {needed}; yours is {belonging.role}.")
            return shell
    return abort(404)


def _is_let_in(shell: Shell, belonging: Belonging) -> bool:
    return not belonging.organization.two_factor_required or _proves_two(shell.user)


def _proves_two(user: User) -> bool:
    """Whether the person signs in by two factors, or did so here: by a passkey, or a provider."""
    return user.two_factor_since is not None or g.get("login_factors", 1) > 1


def _remember(path: str) -> None:
    if session.get(LAST) != path:
        session[LAST] = path


def _presented_token() -> ApiToken:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not value.strip():
        _refuse(401, "Unauthorized", "Send the header Authorization: Bearer pht_….")
    with bearer(ApiToken, hash_of(value.strip())):
        token: ApiToken | None = db.session.scalar(select(ApiToken))
    if token is None:
        _refuse(401, "Unauthorized", "This token is not known here.")
    if token.revoked_at is not None:
        _refuse(401, "Unauthorized", "This token was revoked.")
    if token.expires_at is not None and token.expires_at <= clock.now():
        _refuse(401, "Unauthorized", "This token has expired.")
    return token


def _refuse(status: int, title: str, detail: str, *, lacking: str = "") -> NoReturn:
    answer = problem(status, title, detail)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="pharos"'
    if lacking:  # RFC 6750, section 3.1, calls it a scope
        challenge = f'Bearer realm="pharos", error="insufficient_scope", scope="{lacking}"'
        answer.headers["WWW-Authenticate"] = challenge
    abort(answer)


def _used(token: ApiToken) -> None:
    """Note when a token was last used, at most once a minute."""
    now, used, presented = clock.now(), token.last_used_at, token.hash
    if used is not None and used > now - USED_EVERY:
        return
    used_now = update(ApiToken).where(ApiToken.hash == presented).values(last_used_at=now)
    note("when a token was used last", lambda: db.session.execute(used_now))
