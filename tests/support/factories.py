"""Rows for tests: organizations, the cast of people, projects, issues."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from console.accounts import people as accounts
from console.accounts import signin
from console.accounts.models import (
    Key,
    Membership,
    MonitoringConfig,
    Organization,
    Project,
    Role,
    User,
)
from console.core import clock
from console.core.crypto import new_public_key
from console.core.db import Model, db
from console.core.persons import person_scope
from console.core.tenancy import enter_organization
from console.errors.models import Issue, IssueHash

Row = TypeVar("Row", bound=Model)

PASSWORD = "correct horse battery staple"
# argon2id of PASSWORD at the least cost, because nobody attacks a test.
PASSWORD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$c29tZSBzYWx0IG9mIDE2IA$cDhmMmqtxCCm++QNcKGm86ORs3gExbu7aATiVwTG9/c"
)


@contextmanager
def inside(app: Flask, of: Organization | Project | int) -> Iterator[None]:
    """Open a fresh Session that is bound to the organization of a row, or to one by its id."""
    if isinstance(of, Project):
        organization_id = of.organization_id
    else:
        organization_id = of.id if isinstance(of, Organization) else of
    with app.app_context():
        enter_organization(organization_id)
        yield


@contextmanager
def in_name_of(app: Flask, email: str) -> Iterator[int]:
    """Open a fresh Session in which a person's own rows are seen; gives the person's id."""
    user_id = make_user(app, email).id
    with app.app_context(), person_scope(user_id):
        yield user_id


def make_cast(app: Flask, slug: str, people: Mapping[str, Role]) -> Project:
    """Return project shop of a new organization with these new people; `organization` is loaded.

    One transaction makes it all: half of the tests begin with it.
    """
    with app.app_context():
        organization = Organization(slug=slug, name=slug.title())
        db.session.add(organization)
        db.session.flush()
        users = {_user(email): role for email, role in people.items()}
        enter_organization(organization.id)
        db.session.add_all(Membership(user_id=user.id, role=role) for user, role in users.items())
        return _committed_project("shop")


def make_user(app: Flask, email: str) -> User:
    """Return the person with this address, who signs in with PASSWORD; made when new."""
    with app.app_context():
        user = accounts.by_email(email)
        if user is None:
            user = _user(email)
            db.session.commit()
        return detached(user)


def the_person(email: str) -> User:
    """The person with this address, in the present Session."""
    user = accounts.by_email(email)
    assert user is not None
    return user


def make_organization(app: Flask, slug: str) -> Organization:
    """Return the organization with this slug; made when new."""
    with app.app_context():
        organization = db.session.scalar(select(Organization).where(Organization.slug == slug))
        if organization is None:
            organization = Organization(slug=slug, name=slug.title())
            db.session.add(organization)
            db.session.commit()
        return detached(organization)


def make_member(app: Flask, organization: Organization, email: str, role: Role) -> User:
    """Return a person with a role in the organization."""
    user = make_user(app, email)
    with inside(app, organization):
        db.session.add(Membership(user_id=user.id, role=role))
        db.session.commit()
    return user


def make_project(app: Flask, organization: Organization, slug: str = "shop") -> Project:
    """Return a new project with its settings and one ingest key; `organization` is loaded."""
    with inside(app, organization):
        return _committed_project(slug)


def make_issue(app: Flask, project: Project, **fields: Any) -> Issue:
    """Return a new open issue with one grouping hash; `hash` and any column may be given."""
    now = clock.now()
    given: dict[str, Any] = {
        "title": "ZeroDivisionError: division by zero",
        "culprit": "shop.checkout in price",
        "kind": "ZeroDivisionError",
        "first_seen": now,
        "last_seen": now,
        "events": 1,
    }
    hash_ = fields.pop("hash", None) or new_public_key()
    with inside(app, project):
        issue = Issue(project_id=project.id, **(given | fields))
        db.session.add(issue)
        db.session.flush()
        db.session.add(
            IssueHash(
                project_id=project.id,
                issue_id=issue.id,
                hash=hash_,
                variant="stack trace",
                components=[{"label": "exception", "values": [issue.kind]}],
            )
        )
        db.session.commit()
        return detached(issue)


def public_key(app: Flask, project: Project) -> str:
    """Return the ingest key that the project was made with."""
    with inside(app, project):
        return db.session.scalars(select(Key.public_key).where(Key.project_id == project.id)).one()


def detached(row: Row) -> Row:
    """Load a row's columns and take it out of its Session, to be read after that has closed."""
    db.session.refresh(row)
    db.session.expunge(row)
    return row


def signed_in(app: Flask, email: str) -> FlaskClient:
    """A browser in which a person has signed in: it has what the login page gives it.

    tests/accounts sign in through the page, whose throttle and checks take twice as long.
    """
    client = app.test_client()
    with app.test_request_context("/login", method="POST", environ_base=client.environ_base):
        signin.advance(the_person(email), then="/")
        db.session.commit()
        answer = app.process_response(app.response_class())
    for header in answer.headers.getlist("Set-Cookie"):
        name, _, value = header.partition(";")[0].partition("=")
        client.set_cookie(name, value)
    return client


def _user(email: str) -> User:
    name = email.partition("@")[0].title()
    return accounts.add(email, name, PASSWORD_HASH)


def _committed_project(slug: str) -> Project:
    project = Project(slug=slug, name=slug.title(), platform="python")
    db.session.add(project)
    db.session.flush()
    db.session.add(MonitoringConfig(project_id=project.id))
    db.session.add(Key(project_id=project.id, public_key=new_public_key()))
    db.session.commit()
    db.session.refresh(project)
    assert project.organization.slug
    db.session.expunge(project)
    return project
