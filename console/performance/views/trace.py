"""A trace's page: its waterfall, the rows that load as they are opened, and a span's panel."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Response, abort, request

from console.accounts.access import project_view
from console.accounts.models import Project
from console.core import clock
from console.performance.forms.traces import CATEGORY_NAMES, TraceFilter
from console.performance.traces.branches import TOP
from console.performance.traces.ghosts import Comparison, compare
from console.performance.traces.groups import parameters
from console.performance.traces.mini_map import Piece, failures, mini_map
from console.performance.traces.notices import Notice, notices
from console.performance.traces.span_details import Details, details
from console.performance.traces.tree import Tree, grown
from console.performance.traces.waterfall import Waterfall, branch, waterfall
from console.performance.views.blueprint import bp
from console.performance.views.trace_addresses import NOBODY, Addresses
from console.telemetry import spans, traces
from console.telemetry.errors import EventRow
from console.telemetry.scope import Scope
from console.telemetry.traces import Began
from console.web.forms import valid
from console.web.htmx import page_or_part
from console.web.ids import counted
from console.web.timerange import LONGEST, current_range

MOST_SPANS = 10_000
MOST_OPEN = 200
DEEPEST = 100_000
AHEAD = timedelta(hours=1)  # a client's clock
LIKE_IT = timedelta(hours=24)
KEY = re.compile(r"[gc]?[0-9a-f]{16}")
MEDIAN = "median"


@dataclass(frozen=True, slots=True)
class Compared:
    """The counterpart of a trace: why it was chosen, and the comparison of the two."""

    trace_id: str
    why: str
    comparison: Comparison | None = None
    began: Began | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A trace as its page shows it."""

    trace_id: str
    form: TraceFilter
    fall: Waterfall
    notices: Sequence[Notice]
    pieces: Sequence[Piece]
    failures: Sequence[float]
    errors: Sequence[EventRow]
    compared: Compared | None
    to: Addresses

    @property
    def tree(self) -> Tree:
        return self.fall.tree

    def offered(self, name: str) -> list[str]:
        """The operations (`op`) or servers (`server_name`) to filter by."""
        return sorted({getattr(n.span, name) for n in self.tree.nodes.values()} - {""})


@bp.get("/traces/<trace:trace_id>")
@project_view("viewer")
def trace(project: Project, trace_id: str) -> Response:
    return page_or_part(
        "performance/trace.html",
        "performance/_waterfall.html",
        shown=_shown(project, trace_id),
        detail=None,
        names=CATEGORY_NAMES,
    )


@bp.get("/traces/<trace:trace_id>/spans/<span:span_id>")
@project_view("viewer")
def span(project: Project, trace_id: str, span_id: str) -> Response:
    shown = _shown(project, trace_id)
    node = shown.tree.nodes.get(span_id) or abort(404, "This trace has no such span.")
    until = max(clock.now(), node.span.timestamp)
    around = Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=until - LIKE_IT,
        until=until + AHEAD,
    )
    return page_or_part(
        "performance/trace.html",
        "performance/_span.html",
        shown=shown,
        detail=_detail(shown, node.id, around),
        names=CATEGORY_NAMES,
    )


@bp.get("/traces/<trace:trace_id>/children/<span:span_id>")
@project_view("viewer")
def children(project: Project, trace_id: str, span_id: str) -> Response:
    """The rows below a span, or with `group` the rows of the group or chain that begins with it."""
    shown = _shown(project, trace_id)
    group = request.args.get("group", "")
    key = group + span_id if group in {"", "g", "c"} else abort(400, "A group is g or c.")
    if key == NOBODY and key not in shown.tree.nodes:
        key = TOP
    rows = branch(
        shown.tree,
        shown.fall.view,
        shown.compared.comparison if shown.compared else None,
        key,
        level=counted("level", 1, DEEPEST),
        skip=counted("skip", 0, DEEPEST),
    )
    if not rows:
        abort(404, "There is nothing below this row.")
    members = [row.node for row in rows if row.node is not None]
    is_group = group == "g" and "skip" not in request.args
    return page_or_part(
        "performance/branch.html",
        "performance/_rows.html",
        shown=shown,
        rows=rows,
        noted=members[0] if is_group else None,
        noted_values=parameters([member.span.name for member in members]),
    )


def _shown(project: Project, trace_id: str) -> Shown:
    form = valid(TraceFilter(request.args))
    whole = spans.find(_everything(project), trace_id, form.at.data, MOST_SPANS)
    if not whole.spans:
        contents = "only errors, no span" if whole.errors else "no span"
        abort(
            404, f"There is {contents} of this trace: it was not sampled, or is older than is kept."
        )
    tree = grown(whole.spans, whole.errors)
    compared = _compared(project, tree, form.against.data or "")
    comparison = compared.comparison if compared else None
    view = form.view(_keys("open"), _keys("shut"))
    fall = waterfall(tree, view, comparison)
    stored = len(whole.spans)
    if stored == MOST_SPANS:
        stored = spans.size(_everything(project).around(tree.began, spans.AROUND), trace_id)
    return Shown(
        trace_id=trace_id,
        form=form,
        fall=fall,
        notices=notices(tree, stored=stored, unshown=fall.unshown),
        pieces=mini_map(tree),
        failures=failures(tree),
        errors=whole.errors,
        compared=compared,
        to=Addresses.of(trace_id, tree.began.isoformat(), view.opened, view.shut),
    )


def _compared(project: Project, tree: Tree, against: str) -> Compared | None:
    """The counterpart by its id, or else the trace nearest to the endpoint's median duration."""
    if not against:
        return None
    if against != MEDIAN:
        return _laid_over(project, tree, Compared(against, "the trace that you chose"))
    main, shown = tree.main.span, current_range()
    if not main.endpoint:
        return Compared("", "This trace began with no request, task or screen that others share.")
    everything = _everything(project)
    scope = everything.between(shown.since, shown.until)
    timing = spans.timing(scope, main)
    near = traces.nearest(scope, main.endpoint, timing.p50, limit=2) if timing else []
    counterpart = next((request for request in near if request.trace_id != main.trace_id), None)
    if timing is None or counterpart is None:
        sentence = f"There is no other trace of {main.endpoint} in the {shown.in_words}."
        return Compared("", sentence)
    why = f"nearest to the median of {timing.count:,} × {main.endpoint}, {shown.in_words}"
    return _laid_over(project, tree, Compared(counterpart.trace_id, why, began=counterpart))


def _laid_over(project: Project, tree: Tree, chosen: Compared) -> Compared:
    near = chosen.began.timestamp if chosen.began else None
    stored = spans.find(_everything(project), chosen.trace_id, near, MOST_SPANS)
    if not stored.spans:
        return Compared("", f"Nothing is stored of the trace {chosen.trace_id}.")
    comparison = compare(tree, grown(stored.spans))
    return Compared(chosen.trace_id, chosen.why, comparison, chosen.began)


def _detail(shown: Shown, span_id: str, scope: Scope) -> Details:
    node = shown.tree.nodes[span_id]
    return details(node, shown.fall.path, spans.timing(scope, node.span))


def _everything(project: Project) -> Scope:
    until = clock.now() + AHEAD
    return Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=until - LONGEST,
        until=until,
    )


def _keys(name: str) -> list[str]:
    return [key for key in request.args.getlist(name)[:MOST_OPEN] if KEY.fullmatch(key)]
