"""Escalation policies for scripts, as docs/api.md describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from werkzeug.exceptions import BadRequest

from console.accounts.access import api_view
from console.accounts.models import Project
from console.alerting import queries
from console.alerting.escalation import checking, overview, policies
from console.alerting.escalation.checking import BOUNDS, is_id
from console.alerting.escalation.models import Policy, PolicyUse
from console.alerting.escalation.plan import Plan
from console.alerting.escalation.recipients import Directory
from console.alerting.escalation.simulator import Simulation, simulate
from console.alerting.models import Severity
from console.core import clock
from console.core.db import db
from console.web import api
from console.web.forms import plain

bp = Blueprint(
    "policies_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/policies"
)
DEFAULTS: Mapping[str, Any] = {
    "repeats": 0, "repeat_minutes": 30, "stale_minutes": 0, "unresolved_minutes": 0,
}  # fmt: skip
LONGEST_NAME = 100
OF_USE, OF_TRIAL = {"project", "rule", "severity"}, {"policy", "at", "severity"}


@bp.get("")
@api_view("policies:read")
def listing(project: Project) -> Response:
    """Every policy of the organization."""
    del project
    holds, directory = overview.holds(), Directory.read()
    rows = [_policy(own, holds, directory) for own in policies.all_policies()]
    return jsonify({"policies": rows})


@bp.get("/<id:policy_id>", endpoint="policy")
@api_view("policies:read")
def policy(project: Project, policy_id: int) -> Response:
    del project
    return _answer(policies.policy_or_404(policy_id))


@bp.post("")
@api_view("policies:write")
def create(project: Project) -> Response:
    del project
    name, is_default, document = _given(None)
    if policies.is_full():
        raise BadRequest(policies.FULL)
    own = policies.create(name, document)
    if is_default:
        policies.make_default(own)
    db.session.commit()
    answer = _answer(own)
    answer.status_code = 201
    return answer


@bp.put("/<id:policy_id>")
@api_view("policies:write")
def put(project: Project, policy_id: int) -> Response:
    del project
    own = policies.policy_or_404(policy_id)
    name, is_default, document = _given(own)
    policies.save(own, name, document)
    if is_default and not own.is_default:
        policies.make_default(own)
    db.session.commit()
    return _answer(own)


@bp.delete("/<id:policy_id>")
@api_view("policies:write")
def delete(project: Project, policy_id: int) -> Response:
    del project
    own = policies.policy_or_404(policy_id)
    if own.is_default:
        raise BadRequest("The default policy stays: make another one the default first.")
    policies.delete(own)
    db.session.commit()
    return Response(status=204)


@bp.post("/<id:policy_id>/uses")
@api_view("policies:write")
def choose(project: Project, policy_id: int) -> Response:
    """Let it hold: `{"severity": "high"}`, `{"project": true}`, both, or `{"rule": 12}`."""
    own = policies.policy_or_404(policy_id)
    asked = _members(api.document(), OF_USE)
    of_project, rule_id = asked.get("project", False), asked.get("rule")
    if not isinstance(of_project, bool):
        raise BadRequest("project: true for this project, or false.")
    if rule_id is not None and (not is_id(rule_id) or of_project or "severity" in asked):
        raise BadRequest("rule: the id of a rule, and nothing else.")
    severity = _severity(asked) if "severity" in asked else None
    if not of_project and rule_id is None and severity is None:
        raise BadRequest("Name a severity, the project or a rule.")
    policies.choose(
        own,
        project_id=project.id if of_project else None,
        rule=queries.rule_or_404(project, rule_id) if rule_id is not None else None,
        severity=severity,
    )
    db.session.commit()
    return _answer(own)


@bp.delete("/uses/<id:use_id>")
@api_view("policies:write")
def take_back(project: Project, use_id: int) -> Response:
    del project
    use: PolicyUse = policies.use_or_404(use_id)
    db.session.delete(use)
    db.session.commit()
    return Response(status=204)


@bp.post("/simulation", endpoint="simulation")
@api_view("policies:read")
def try_out(project: Project) -> Response:
    """Who would be notified when: `{"policy": id or document, "at": …, "severity": …}`.

    Without a policy it is the one that holds for the project and severity.
    """
    asked, directory = _members(api.document(), OF_TRIAL), Directory.read()
    severity = _severity(asked) if "severity" in asked else Severity.MEDIUM
    document = _tried(project, asked.get("policy"), severity, directory)
    simulation = simulate(Plan.of(document), directory, severity, _moment(asked))
    return jsonify(_simulation(simulation))


def _tried(
    project: Project, given: object, severity: Severity, directory: Directory
) -> Mapping[str, Any]:
    """The document of the policy that is tried out."""
    if isinstance(given, dict):
        document = {**DEFAULTS, **given}
        _refuse(document, directory)
        return document
    if given is None:
        held = policies.holding(project.id, None, severity) or policies.existing_default()
        if held is None:
            raise BadRequest("The organization has no policy yet.")
        return held.document
    if not isinstance(given, int) or not is_id(given):
        raise BadRequest("policy: the id of a policy, or its document.")
    return policies.policy_or_404(given).document


def _given(own: Policy | None) -> tuple[str, bool, Mapping[str, Any]]:
    """The name, whether it is to be the default, and the document of a request."""
    asked = api.document()
    name, is_default = asked.pop("name", None), asked.pop("default", False)
    if not isinstance(name, str) or not plain(name) or len(plain(name)) > LONGEST_NAME:
        raise BadRequest(f"name: a text of at most {LONGEST_NAME} characters.")
    if policies.is_taken(plain(name), own):
        raise BadRequest("name: another policy has this name.")
    if not isinstance(is_default, bool):
        raise BadRequest("default: true or false.")
    if own is not None and own.is_default and not is_default:
        is_default = True  # an organization always has one
    document = {**DEFAULTS, **asked}
    _refuse(document, Directory.read())
    return plain(name), is_default, document


def _refuse(document: Mapping[str, Any], directory: Directory) -> None:
    """Abort with everything that is wrong with a document, by the places."""
    if wrong := list(checking.faults(document, directory)):
        raise BadRequest(" ".join(f"{path}: {why}" for path, why in wrong[:20]))


def _members(asked: dict[str, Any], known: set[str]) -> dict[str, Any]:
    if strange := sorted(str(name)[:50] for name in asked if name not in known):
        raise BadRequest(f"The document has no {', '.join(strange)}.")
    return asked


def _severity(asked: Mapping[str, Any]) -> Severity:
    value = asked["severity"]
    if value not in list(Severity):
        raise BadRequest(f"severity: one of {', '.join(Severity)}.")
    return Severity(value)


def _moment(asked: Mapping[str, Any]) -> Any:
    try:
        return clock.instant(asked["at"]) if "at" in asked else clock.now()
    except (ValueError, TypeError, AttributeError):
        raise BadRequest("at: a date and time such as 2026-11-23T08:00Z.") from None


def _answer(own: Policy) -> Response:
    return jsonify(_policy(own, overview.holds(), Directory.read()))


def _policy(own: Policy, holds: Mapping[int, Any], directory: Directory) -> dict[str, Any]:
    plan, home = Plan.of(own.document), {"organization": (request.view_args or {})["organization"]}
    return {
        "id": own.id,
        "name": own.name,
        "version": own.version,
        "default": own.is_default,
        "steps": own.document["steps"],
        **{name: own.document.get(name, 0) for name in BOUNDS},
        "uses": [
            {
                "id": hold.use.id,
                "project": hold.project.slug if hold.project else None,
                "rule": hold.use.rule_id,
                "severity": hold.use.severity,
            }
            for hold in holds.get(own.id, ())
        ],
        "reaches_nobody": checking.reaches_nobody(plan, directory),
        "warnings": [{"at": path, "why": why} for path, why in checking.warnings(plan, directory)],
        "url": url_for("policies.policy", **home, policy_id=own.id, _external=True),
    }


def _simulation(simulation: Simulation) -> dict[str, Any]:
    return {
        "at": api.time(simulation.at),
        "severity": simulation.severity,
        "steps": [
            {
                "at": api.time(turned.place.at),
                "step": turned.place.step,
                "round": turned.place.round,
                "notified": [
                    {
                        "name": entry.name,
                        "from": api.time(entry.at or turned.place.at),
                        "failing_since": api.time(simulation.failing.get(entry.key)),
                    }
                    for entry in turned.recipients
                ],
                "skipped": [
                    {"name": entry.name, "why": entry.why} for entry in turned.reached.skipped
                ],
                "last_resort": turned.last_resort,
            }
            for turned in simulation.turns
        ],
        "cut": simulation.is_cut,
        "anew_at": api.time(simulation.anew_at),
    }
