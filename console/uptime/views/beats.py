"""The addresses that jobs ask: by GET, HEAD, POST or PUT, without signing in."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request

from console.accounts.access import link_view
from console.core.crypto import keyed_hash
from console.uptime import heartbeats
from console.uptime.check_in import ERROR, IN_PROGRESS, OK
from console.web.frame import csrf
from console.web.incoming import FORM_LIMIT

MOST_BYTES = 10_000
METHODS = ("GET", "POST", "PUT")
"""`curl -T -` puts what a job prints."""
_CODE = re.compile(r"[0-9]{1,3}")
beats = Blueprint("beats", __name__, url_prefix=heartbeats.PATH.rstrip("/"))


@beats.route("/<token>", methods=METHODS, endpoint="beat")
@beats.route("/<token>/<word>", methods=METHODS, endpoint="beat")
@link_view
def beat(token: str, word: str = "") -> Response:
    """Note that a job began (`start`), failed (`fail`), or ended (with its exit code, or none)."""
    status = _status(word)
    if status is None:
        return _plain("An address ends in the token, /start, /fail or an exit code.", 404)
    try:
        is_known = heartbeats.hear(token, status, run=_run(), why=_why(status, word))
    except heartbeats.TooMany:
        return _plain("Too many pings: wait a minute.", 429)
    return _plain("OK") if is_known else _plain("Unknown heartbeat.", 404)


csrf.exempt(beat)  # a job has no session


def _status(word: str) -> str | None:
    if _CODE.fullmatch(word):
        return OK if int(word) == 0 else ERROR
    return {"": OK, "start": IN_PROGRESS, "fail": ERROR}.get(word)


def _run() -> str:
    """What tells runs that overlap apart: any text under `rid`, as 32 digits."""
    run = request.args.get("rid", "")
    return keyed_hash("run", run)[:32] if run else ""


def _why(status: str, word: str) -> str:
    """What the job says about a failure: its exit code, and the beginning of the body."""
    if status != ERROR:
        return ""
    length = request.content_length or 0
    # A log that is longer than what is read here must not keep the failure from being heard.
    body = request.stream.read(MOST_BYTES) if 0 < length <= FORM_LIMIT else b""
    text = "".join(c if c.isprintable() else " " for c in body.decode(errors="replace"))
    code = f"Exit code {word}. " if word.isdecimal() else ""
    return f"{code}{text}".strip() or "The job reported a failure."


def _plain(text: str, status: int = 200) -> Response:
    return Response(f"{text}\n", status, mimetype="text/plain")
