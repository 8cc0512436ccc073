"""Times without the state database: the log has a line when one begins and a line when it ends."""

import logging
from datetime import datetime

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from console.core import clock
from console.core.database_errors import explained, is_outage

log = logging.getLogger(__name__)


class Outage(logging.Filter):
    """The present outage of the database; as a log filter it drops all repeated reports of it.

    Pages, digest, ticker and leases each meet it many times a minute, with a traceback.
    """

    def __init__(self) -> None:
        """Begin without an outage."""
        super().__init__()
        self._since: datetime | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        return not self.takes(record.exc_info[1] if record.exc_info else None)

    def takes(self, error: BaseException | None) -> bool:
        """Whether the error belongs to an outage, which needs no other report."""
        lost = _lost(error)
        if lost is None:
            return False
        if self._since is None:
            self._since = clock.now()
            words = explained(lost) if isinstance(lost, DBAPIError) else str(lost)
            log.error("an outage begins, events of known keys wait in the spool: %s", words)
        return True

    def ends(self) -> None:
        """Log the end of the outage, if there was one."""
        since, self._since = self._since, None
        if since is not None:
            seconds = (clock.now() - since).total_seconds()
            log.warning("the outage has ended after %d s: the database answers again", seconds)


def follows_from_one(error: BaseException) -> bool:
    """Whether the database was lost before this error: a transaction that broke off raises more."""
    return _lost(error) is not None


def _lost(error: BaseException | None) -> BaseException | None:
    """The outage that an error is, or came of; an error may be, through others, its own cause."""
    seen: list[BaseException] = []
    while error is not None and not is_outage(error):
        if any(error is former for former in seen):
            return None
        seen.append(error)
        error = error.__cause__ or error.__context__
    return error


present = Outage()


def watch(engine: Engine) -> None:
    """Note when connections can be had again."""
    event.listen(engine, "checkout", lambda *_: present.ends())
