"""What every error event says in the same words, whatever its client: browser, url, user.

Sentry counts these as tags, and so do pages: they stand among the tags that the client set.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from console.errors.agents import Agent, agent
from console.telemetry.records import FACTS

LENGTH = 200
STANDARD = (
    "environment", "release", "dist", "transaction", "url", "user", "browser", "os", "device",
    "runtime", "server_name", "logger", "level", "handled", "mechanism",
)  # fmt: skip
"""All of them, in the order in which a page shows them."""
_PERSON = ("email", "username", "name", "id", "ip_address")


def facts(event: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a normalised event, with the standard facts; a tag of the client's own counts.

    What has a column of its own is left out.
    """
    standard = {name: value[:LENGTH] for name, value in _standard(event) if value}
    tags = _mapping(event.get("tags")).items()
    own = {name: text for name, value in tags if (text := _text(value))}
    every = {**own, **standard, **own}.items()
    return {name: value for name, value in every if name not in FACTS}


def person(user: Any) -> str:
    """What people call a user: the address, the name, the id; "" for nobody."""
    fields = _mapping(user)
    names = (_text(fields.get(name)) for name in _PERSON)
    return next((name for name in names if name and name != "{{auto}}"), "")


def _standard(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    contexts, request = _mapping(event.get("contexts")), _mapping(event.get("request"))
    named = agent(_user_agent(request)) if request else Agent("", "")
    yield "browser", _versioned(contexts.get("browser")) or named.browser
    yield "os", _versioned(contexts.get("os")) or named.system
    yield "device", _device(contexts.get("device"))
    yield "runtime", _versioned(contexts.get("runtime"))
    yield "url", _text(request.get("url")).partition("?")[0].partition("#")[0]
    yield "user", person(event.get("user"))
    yield "mechanism", _mechanism(event)
    for name in ("server_name", "logger", "dist"):
        yield name, _text(event.get(name))


def _user_agent(request: Mapping[str, Any]) -> str:
    headers = _mapping(request.get("headers"))
    agents = (value for name, value in headers.items() if name.lower() == "user-agent")
    return _text(next(agents, ""))


def _versioned(context: Any) -> str:
    fields = _mapping(context)
    name = _text(fields.get("name"))
    return f"{name} {_text(fields.get('version'))}".strip() if name else ""


def _device(context: Any) -> str:
    fields = _mapping(context)
    return _text(fields.get("model")) or _text(fields.get("family")) or _text(fields.get("name"))


def _mechanism(event: Mapping[str, Any]) -> str:
    exceptions = _mapping(event.get("exception")).get("values")
    outermost = exceptions[-1] if isinstance(exceptions, list) and exceptions else None
    return _text(_mapping(_mapping(outermost).get("mechanism")).get("type"))


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
