"""A value in state that is sealed under SECRET_KEY: it tells whether stored secrets still open."""

from sqlalchemy import LargeBinary, select
from sqlalchemy.orm import Mapped, mapped_column

from console.core.crypto import SealBrokenError, seal, unseal
from console.core.db import Model, db, insert

CLEAR = b"pharos"
ONLY = 1


class Canary(Model):
    """The only row of its table."""

    __tablename__ = "canary"

    id: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


def renew(secret_keys: tuple[str, ...]) -> None:
    """Seal it under the present key, unless no configured key opens what is there. Commits."""
    if not opens(secret_keys):
        return
    values = {"id": ONLY, "sealed": seal(secret_keys[0], CLEAR)}
    statement = insert(Canary).values(values)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"sealed": statement.excluded.sealed}
        )
    )
    db.session.commit()


def opens(secret_keys: tuple[str, ...]) -> bool:
    """Whether a configured key opens what is stored; also true while nothing is."""
    sealed = db.session.scalar(select(Canary.sealed))
    db.session.rollback()
    try:
        return sealed is None or unseal(secret_keys, sealed) == CLEAR
    except SealBrokenError:
        return False
