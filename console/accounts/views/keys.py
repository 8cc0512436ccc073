"""A project's ingest keys and API tokens."""

from datetime import timedelta
from typing import Any

from flask import Response, abort
from flask_login import current_user

from console.accounts import projects as making
from console.accounts import queries
from console.accounts.access import project_view
from console.accounts.forms import KeyForm, OriginsForm, RotationForm, TokenForm, text
from console.accounts.handed_out import hold_membership
from console.accounts.models import Key, Project, Role
from console.accounts.views.blueprint import bp, changed
from console.core import audit, clock
from console.core.config import config
from console.core.db import db
from console.web.htmx import page_or_part

KEYS, KEY_LIST = "accounts/keys.html", "accounts/_keys.html"
TOKENS, TOKEN_LIST = "accounts/tokens.html", "accounts/_tokens.html"
SETTINGS = "/<slug:organization>/<slug:project>/settings"


@bp.get(f"{SETTINGS}/keys")
@project_view("viewer")
def keys(project: Project) -> Response:
    return page_or_part(KEYS, KEY_LIST, **_keys(project))


@bp.post(f"{SETTINGS}/keys")
@project_view("admin")
def create_key(project: Project) -> Response:
    form = KeyForm()
    if not form.validate():
        return page_or_part(KEYS, KEY_LIST, status=422, **_keys(project, form=form))
    key = making.create_key(project, text(form.label), quota_per_minute=form.quota_per_minute.data)
    return _key_changed(project, key, "key.created", "The key is ready.")


@bp.post(f"{SETTINGS}/keys/<id:key_id>/limit")
@project_view("admin")
def limit_key(project: Project, key_id: int) -> Response:
    """Change a key's label and quota."""
    key = queries.key_or_404(project, key_id)
    form = KeyForm()
    if not form.validate():
        return page_or_part(KEYS, KEY_LIST, status=422, **_keys(project, editing={key.id: form}))
    key.label, key.quota_per_minute = text(form.label), form.quota_per_minute.data
    return _key_changed(project, key, "key.limited", "Saved.")


@bp.post(f"{SETTINGS}/keys/<id:key_id>/rotation")
@project_view("admin")
def rotate_key(project: Project, key_id: int) -> Response:
    """Put a new key in the place of one that works on for the chosen time."""
    key = queries.key_or_404(project, key_id)
    form = RotationForm()
    if not form.validate():
        return page_or_part(KEYS, KEY_LIST, status=422, **_keys(project, rotation=form))
    grace = timedelta(hours=int(form.grace.data))
    making.rotate_key(key, project, grace=grace)
    return _key_changed(project, key, "key.rotated", "The new key is ready: use it from now on.")


@bp.post(f"{SETTINGS}/keys/<id:key_id>/disabling")
@project_view("admin")
def disable_key(project: Project, key_id: int) -> Response:
    key = queries.key_or_404(project, key_id)
    key.disabled_at, key.replaced_by_id = clock.now(), None
    return _key_changed(project, key, "key.disabled", "The key was disabled.")


@bp.post(f"{SETTINGS}/keys/<id:key_id>/enabling")
@project_view("admin")
def enable_key(project: Project, key_id: int) -> Response:
    key = queries.key_or_404(project, key_id)
    key.disabled_at = None
    return _key_changed(project, key, "key.enabled", "The key works again.")


@bp.post(f"{SETTINGS}/keys/origins")
@project_view("admin")
def change_origins(project: Project) -> Response:
    """Say which sites' browsers may send."""
    form = OriginsForm()
    part = "accounts/_origins_form.html"
    if not form.validate():
        return page_or_part(KEYS, part, status=422, **_keys(project, origins=form))
    queries.monitoring_of(project).allowed_origins = form.origins
    audit.record("origins.changed", project.name, after=form.origins)
    db.session.commit()
    return changed(part, ".keys", "Saved.", _path(project), project=project, origins=form)


@bp.get(f"{SETTINGS}/tokens")
@project_view("admin")
def tokens(project: Project) -> Response:
    return page_or_part(TOKENS, TOKEN_LIST, **_tokens(project))


@bp.post(f"{SETTINGS}/tokens")
@project_view("admin")
def create_token(project: Project) -> Response:
    """Make a token and show its secret, this once."""
    form = TokenForm()
    if not form.validate():
        return page_or_part(TOKENS, TOKEN_LIST, status=422, **_tokens(project, form=form))
    if not hold_membership(current_user, Role.ADMIN):
        abort(404)
    days = form.expires.data
    token, secret = making.create_token(
        project,
        text(form.label),
        form.permissions.data or [],
        expires_at=clock.now() + timedelta(days=int(days)) if days else None,
        by=current_user,
    )
    audit.record("token.created", token.label, permissions=token.permissions, project=project.name)
    db.session.commit()
    return page_or_part(TOKENS, TOKEN_LIST, **_tokens(project, secret=secret))


@bp.post(f"{SETTINGS}/tokens/<id:token_id>/revocation")
@project_view("admin")
def revoke_token(project: Project, token_id: int) -> Response:
    token = queries.token_or_404(project, token_id)
    token.revoked_at = clock.now()
    audit.record("token.revoked", token.label, project=project.name)
    db.session.commit()
    note = "The token was revoked."
    return changed(TOKEN_LIST, ".tokens", note, _path(project), **_tokens(project))


def _key_changed(project: Project, key: Key, action: str, note: str) -> Response:
    audit.record(action, key.label, project=project.name, key=key.public_key[:6])
    db.session.commit()
    return changed(KEY_LIST, ".keys", note, _path(project), **_keys(project))


def _keys(
    project: Project,
    *,
    form: KeyForm | None = None,
    rotation: RotationForm | None = None,
    origins: OriginsForm | None = None,
    editing: dict[int, KeyForm] | None = None,
) -> dict[str, Any]:
    """What the page of keys shows, with the form that was sent in its place."""
    keys = queries.keys(project)
    allowed = queries.monitoring_of(project).allowed_origins
    forms = {key.id: KeyForm(formdata=None, obj=key, prefix="") for key in keys}
    return {
        "project": project,
        "keys": keys,
        "dsn_of": making.dsn_of,
        "default_quota": config().default_quota,
        "form": form or KeyForm(formdata=None),
        "rotation": rotation or RotationForm(formdata=None),
        "origins": origins or OriginsForm(formdata=None, allowed_origins="\n".join(allowed)),
        "editing": forms | (editing or {}),
    }


def _tokens(project: Project, *, form: TokenForm | None = None, secret: str = "") -> dict[str, Any]:
    return {
        "project": project,
        "tokens": queries.tokens(project),
        "now": clock.now(),
        "form": form or TokenForm(formdata=None),
        "secret": secret,
    }


def _path(project: Project) -> dict[str, str]:
    return {"organization": project.organization.slug, "project": project.slug}
