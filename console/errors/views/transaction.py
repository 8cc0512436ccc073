"""The issues of one endpoint, for its page, which loads them by itself."""

from collections import Counter
from datetime import datetime

from flask import Response, abort, request

from console.accounts.access import project_view
from console.accounts.models import Project
from console.errors import queries
from console.errors.views.blueprint import bp
from console.telemetry import errors as telemetry
from console.telemetry.scope import Scope
from console.web.htmx import panel
from console.web.timerange import current_range, scoped_url

LONGEST = 200


@bp.get("/of-transaction")
@project_view("viewer")
def of_transaction(project: Project) -> Response:
    name = request.args.get("name", "")
    if not 0 < len(name) <= LONGEST:
        abort(400, f"name: which transaction, in at most {LONGEST} characters.")
    shown = current_range("24h")
    scope = Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=shown.since,
        until=shown.until,
        environment=shown.environment,
    )
    # Clients name a transaction with its method or without: "GET /users/:id", "/users/{id}".
    names = {name, name.partition(" ")[2] or name}
    counts = telemetry.hashes_of_transactions(scope, names)
    homes = queries.issues_by_hash(project.id, [hash_ for hash_, _, _ in counts])
    events: Counter[int] = Counter()
    last_seen: dict[int, datetime] = {}
    for hash_, count, at in counts:
        if (issue_id := homes.get(hash_)) is not None:
            events[issue_id] += count
            last_seen[issue_id] = max(at, last_seen.get(issue_id, at))
    issues = {issue.id: issue for issue in queries.chosen(project, events)}
    return panel(
        "errors/_transaction.html",
        f"Issues of {name}",
        (scoped_url("errors.inbox"), "All issues"),
        name=name,
        issues=[issues[issue_id] for issue_id, _ in events.most_common() if issue_id in issues],
        events=events,
        last_seen=last_seen,
    )
