"""One history makes the models' schema, on both databases, however often it is interrupted."""

from dataclasses import replace

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, select

from console.accounts.models import Project
from console.alerting.delivery import outbox
from console.alerting.delivery.models import AttemptOutcome, DeliveryAttempt, OutboxMessage
from console.alerting.delivery.outbox import Recipient
from console.channels.message import Verb
from console.core import migrations, revisions
from console.core.config import ConfigError
from console.core.db import db
from console.errors.changes import change, happened
from console.errors.models import ChangeKind, Issue, IssueChange
from tests.support import databases, postgres
from tests.support.forks import FORKS
from tests.support.run import shared


@pytest.fixture
def empty(both_databases, settings, tmp_path, worker_id):
    """Settings of a console whose database has no tables yet."""
    if both_databases == "sqlite":
        folder = tmp_path / "empty"
        folder.mkdir()
        yield replace(settings, instance=folder)
        return
    server = postgres.server(shared())
    name = f"pharos{server.suffix}_{worker_id}_empty"
    postgres.create_database(server, name)
    database = databases.Database(server.url(postgres.APP, name), server.url(postgres.OWNER, name))
    yield replace(
        settings,
        database_url=database.database_url,
        owner_database_url=database.owner_database_url,
    )
    server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_the_schema_is_what_the_models_say(both_databases, settings):
    with migrations.owner_connection(settings) as connection:
        command.check(migrations.alembic_config(settings, connection))


def test_the_history_is_one_line():
    history = ScriptDirectory(str(revisions.FOLDER))
    assert len(history.get_heads()) == 1
    assert all(not revision.is_branch_point for revision in history.walk_revisions())


def test_every_revision_can_be_taken_back(empty):
    migrations.upgrade(empty)
    with migrations.owner_connection(empty) as connection:
        command.downgrade(migrations.alembic_config(empty, connection), "base")
    assert tables(empty) <= {"alembic_version"}
    migrations.upgrade(empty)
    assert "issue" in tables(empty)


def test_two_processes_migrate_at_once(empty):
    started = [FORKS.Process(target=migrations.upgrade, args=(empty,)) for _ in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0]
    assert "issue" in tables(empty)


def test_an_interrupted_upgrade_leaves_nothing_and_can_be_repeated(empty):
    with pytest.raises(KeyboardInterrupt):
        upgrade_halfway(empty)
    assert tables(empty) == set()
    migrations.upgrade(empty)
    assert "issue" in tables(empty)


def test_a_database_of_a_newer_pharos_is_refused_in_a_sentence(settings, tmp_path):
    """Older code must not serve what it does not know."""
    fresh = replace(settings, instance=tmp_path, database_url="", owner_database_url="")
    migrations.upgrade(fresh)
    with migrations.owner_connection(fresh) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'of 2031'")
    with pytest.raises(ConfigError, match=r"was made by a newer Pharos: .* .of 2031."):
        migrations.upgrade(fresh)


def test_ids_are_not_given_twice(both_databases, app, acme, inside):
    """A DSN names a project by its number: the next one must not inherit the last one's clients."""
    with inside(acme):
        db.session.delete(db.session.get(Project, acme.id))
        db.session.commit()
        again = Project(slug="shop", name="Shop")
        db.session.add(again)
        db.session.commit()
        assert again.id > acme.id


def test_what_happened_to_issues_is_kept_both_ways(
    both_databases, settings, acme, globex, inside, make_issue
):
    for project in (acme, globex):
        issue = make_issue(project)
        with inside(project):
            happened([change(issue, ChangeKind.NEW, details={"release": "shop@1"})])
            db.session.commit()
    with migrations.owner_connection(settings) as connection:
        configuration = migrations.alembic_config(settings, connection)
        command.downgrade(configuration, "0017")
        command.upgrade(configuration, "head")
    for project in (acme, globex):
        with inside(project):
            happened([change(db.session.scalars(select(Issue)).one(), ChangeKind.REGRESSED)])
            db.session.commit()
            rows = db.session.scalars(select(IssueChange).order_by(IssueChange.id)).all()
            assert [(row.project_id, row.kind, row.details) for row in rows] == [
                (project.id, ChangeKind.NEW, {"release": "shop@1"}),
                (project.id, ChangeKind.REGRESSED, {}),
            ]


def test_the_version_before_reports_can_read_what_is_owed(
    both_databases, settings, acme, globex, inside
):
    for project in (acme, globex):
        with inside(project):
            for verb in (Verb.REPORT, Verb.TEST):
                outbox.owe_news(Recipient("outside-1", "", address="a@b.test"), verb, verb, {})
            db.session.commit()
            for row in db.session.scalars(select(OutboxMessage)):
                given = {
                    "at": row.created_at,
                    "milliseconds": 1.0,
                    "outcome": AttemptOutcome.FAILED,
                }
                db.session.add(DeliveryAttempt(message_id=row.id, number=1, **given))
            db.session.commit()
    with migrations.owner_connection(settings) as connection:
        configuration = migrations.alembic_config(settings, connection)
        command.downgrade(configuration, "0032")
        command.upgrade(configuration, "head")
    for project in (acme, globex):
        with inside(project):
            (row,) = db.session.scalars(select(OutboxMessage)).all()
            (attempt,) = db.session.scalars(select(DeliveryAttempt)).all()
            assert (row.verb, attempt.message_id) == (Verb.TEST, row.id)


def upgrade_halfway(settings) -> None:
    with migrations.owner_connection(settings) as connection:
        command.upgrade(migrations.alembic_config(settings, connection), "0002")
        raise KeyboardInterrupt


def tables(settings) -> set[str]:
    engine = create_engine(settings.owner_url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found
