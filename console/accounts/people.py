"""People: a Session sees the person it serves, accounts named by address, and fellow members."""

from functools import lru_cache

from sqlalchemy import event, or_, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from console.accounts.models import FirstAccount, FormerMember, Membership, User
from console.core.db import db, insert
from console.core.persons import EMAIL, PERSON, present_email
from console.core.tenancy import TenantError, current_organization_id


def by_email(email: str) -> User | None:
    """The person with this address, which is lower case; seen by the Session from here on."""
    present_email(email)
    return db.session.scalar(select(User).where(User.email == email))


def add(email: str, name: str, password_hash: str) -> User:
    """Make an account; raises IntegrityError if there is one. The caller commits."""
    present_email(email)
    user = User(email=email, name=name, password_hash=password_hash)
    db.session.add(user)
    db.session.flush()
    db.session.execute(insert(FirstAccount).values(id=1).on_conflict_do_nothing())
    return user


def left(membership: Membership) -> None:
    """Remember a former member, whose name stands beside what they wrote. The caller commits."""
    own = select(FormerMember).where(FormerMember.user_id == membership.user_id)
    if db.session.scalar(own) is None:
        db.session.add(FormerMember(user_id=membership.user_id))


@event.listens_for(db.session, "do_orm_execute")
def _show_known_people(state: ORMExecuteState) -> None:
    if state.is_column_load or not (state.is_select or state.is_update or state.is_delete):
        return
    if state.all_mappers and User not in {mapper.class_ for mapper in state.all_mappers}:
        return  # an author or assignee that a row of the Session's organization names
    info = state.session.info
    person, email = info.get(PERSON) or 0, info.get(EMAIL) if state.is_select else None
    organization_id = current_organization_id() if state.is_select else None
    state.statement = state.statement.options(_known(person, email, organization_id))


@lru_cache(maxsize=1024)  # each statement of a page asks for the same
def _known(person: int, email: str | None, organization_id: int | None) -> ExecutableOption:
    """What row-level security says on PostgreSQL as well: `row_security.protect_accounts`."""
    shown = [User.id == person]
    if email is not None:
        shown.append(User.email == email)
    if organization_id is not None:
        for model in (Membership, FormerMember):
            table = model.__table__
            ids = select(table.c.user_id).where(table.c.organization_id == organization_id)
            shown.append(User.id.in_(ids.correlate(None)))
    return with_loader_criteria(User, or_(*shown), include_aliases=True)


@event.listens_for(db.session, "before_flush")
def _check_people(session: Session, _context: object, _instances: object) -> None:
    info = session.info
    for row in session.new:
        if isinstance(row, User) and row.email != info.get(EMAIL):
            raise TenantError("an account is made by people.add")
    for row in (*session.dirty, *session.deleted):
        if isinstance(row, User) and session.is_modified(row) and row.id != info.get(PERSON):
            raise TenantError("an account is changed in the name of its person only")
