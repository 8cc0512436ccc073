"""What comes to Sentry's other addresses: reports of browsers, crash dumps and feedback."""

import json
import re
from collections.abc import Mapping
from uuid import UUID

from console.ingest.arrival import Arrival
from console.ingest.client_json import load_json
from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import Context, Decoded
from console.ingest.protocol import Address, ItemHead, Protocol, Sent, as_json
from console.ingest.sentry import report_items
from console.ingest.sentry.items import NOT_STORED_YET
from console.ingest.sentry.protocol import ITEMS

_BEFORE = r"\A(?:/.*)?/api/(?P<project>\d{1,9})/"
# Chromium sends reports of both kinds to either address: groups of `report-to` have only one.
_REPORTS = re.compile(_BEFORE + r"(?:security|csp-report|nel)/?")
_NEL_ADDRESS = re.compile(r".*/nel/?")
_CRASHES = re.compile(_BEFORE + r"(?:minidump|playstation)/?")
_UNREAL = re.compile(_BEFORE + r"unreal/(?P<key>[^/]{1,100})/?")
_ATTACHMENTS = re.compile(_BEFORE + r"events/[^/]{1,100}/attachments/?")
# Before feedback was an item of an envelope; the key alone says which project it is for.
_FEEDBACK = re.compile(r"\A(?:/.*)?/api/0/projects/[^/]{1,100}/[^/]{1,100}/user-feedback/?")
_DIALOGUE = re.compile(r"\A(?:/.*)?/api/embed/error-page/?")
_ABOUT = ("sentry_release", "sentry_environment")
_NO_DIALOGUE = b"/* Pharos does not keep feedback yet: it shows no dialogue. */\n"


def report_address(address: re.Match[str], query: Mapping[str, str], agent: str) -> bytes:
    """What a policy's report address says besides its key, and which kind of address it is."""
    fields = {name: query[name][:200] for name in _ABOUT if name in query}
    kind = report_items.NEL if _NEL_ADDRESS.fullmatch(address[0]) else report_items.RAW_SECURITY
    return json.dumps({**fields, "user_agent": agent[:300], "kind": kind}).encode() + b"\n"


def survey_reports(raw: bytes) -> Sent:
    """The reports of a body, counted as one item. Raises Undecodable."""
    about, body = _apart(raw)
    payload = load_json(body)
    if not isinstance(payload, dict | list):
        raise Undecodable("the body is no report of a browser")
    quantity = len(payload) if isinstance(payload, list) else 1
    if not quantity:
        return Sent(heads=[])
    return Sent(heads=[ItemHead(_kind(about), len(body), quantity)])


def decode_reports(raw: bytes, context: Context) -> Decoded:
    """Decode the reports of a body; those that are none are counted. Raises Undecodable."""
    about, body = _apart(raw)
    decoded = Decoded(context)
    of_request = report_items.About.of(about)
    report_items.keep(_kind(about), load_json(body), of_request, Arrival(context, {}), decoded)
    return decoded


def as_id(status: int, content: Mapping[str, object]) -> tuple[bytes, str]:
    """The id with dashes as text, which crash reporters write down; what is refused as JSON."""
    if "id" not in content:
        return as_json(status, content)
    return str(UUID(str(content["id"]))).encode(), "text/plain; charset=utf-8"


def as_script(_status: int, _content: Mapping[str, object]) -> tuple[bytes, str]:
    """A script that does nothing, as which pages load the feedback dialogue."""
    return _NO_DIALOGUE, "text/javascript; charset=utf-8"


def survey_nothing(_raw: bytes) -> Sent:
    """Of what is not kept, nothing is counted by its content."""
    return Sent(heads=())


def _apart(raw: bytes) -> tuple[Mapping[str, object], bytes]:
    line, _, body = raw.partition(b"\n")
    about = load_json(line)
    return (about if isinstance(about, dict) else {}), body


def _kind(about: Mapping[str, object]) -> str:
    is_nel = about.get("kind") == report_items.NEL
    return report_items.NEL if is_nel else report_items.RAW_SECURITY


REPORTS = Protocol(
    name="sentry.reports",
    whole=report_items.RAW_SECURITY,
    addresses=(Address(_REPORTS),),
    items=ITEMS,
    in_address=report_address,
    body_limit=1 << 20,
    raw_limit=2 << 20,
    survey=survey_reports,
    decode=decode_reports,
)
CRASHES = Protocol(
    name="sentry.minidump",
    whole="minidump",
    addresses=(Address(_CRASHES),),
    items=ITEMS,
    ignores=NOT_STORED_YET,
    survey=survey_nothing,
    encode=as_id,
)
UNREAL = Protocol(
    name="sentry.unreal",
    whole="unreal_report",
    addresses=(Address(_UNREAL),),
    items=ITEMS,
    ignores=NOT_STORED_YET,
    survey=survey_nothing,
    encode=as_id,
)
ATTACHMENTS = Protocol(
    name="sentry.attachments",
    whole="attachment",
    addresses=(Address(_ATTACHMENTS),),
    items=ITEMS,
    ignores=NOT_STORED_YET,
    survey=survey_nothing,
    accepted=201,
)
DIALOGUE = Protocol(
    name="sentry.dialogue",
    whole="user_report",
    addresses=(Address(_DIALOGUE),),
    items=ITEMS,
    gets=True,
    ignores=NOT_STORED_YET,
    survey=survey_nothing,
    encode=as_script,
)
FEEDBACK = Protocol(
    name="sentry.user_feedback",
    whole="user_report",
    addresses=(Address(_FEEDBACK),),
    items=ITEMS,
    bearer=True,
    ignores=NOT_STORED_YET,
    survey=survey_nothing,
)
