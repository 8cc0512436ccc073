"""How to connect applications by each protocol, and what to do about refusals."""

from collections.abc import Sequence

from console.ingest import auth, judging, protocols
from console.ingest.setups import Setup

TEST_COMMAND = """\
printf '%s\\n' '{}' '{"type":"event"}' '{"message":"Hello from curl, '"$(date)"'"}' |
  curl -i --data-binary @- '%URL%/api/%PROJECT%/envelope/?sentry_key=%KEY%'"""

# What a person can do about a refusal, by its reason in the ledger.
ADVICE = {
    auth.NO_KEY: "The request carried no key. Copy the whole DSN, including the part before the @.",
    auth.BAD_KEY: "The key is not 32 hexadecimal digits. Copy the DSN again, without changes.",
    auth.UNKNOWN_KEY: "No project has this key. Copy the DSN from this page.",
    auth.DISABLED_KEY: "The key was disabled or replaced. Use the DSN of this page.",
    auth.OTHER_PROJECT: "Key and project number belong to two projects. Copy the DSN as a whole.",
    auth.OTHER_SERVER: "The DSN names another server. A tunnel serves only what is for this one.",
    auth.ORIGIN: "The page's origin is not one that the project allows. Add it in the settings.",
    judging.OVER_QUOTA: "The key sent more than its quota. Raise it, or sample in the client.",
    judging.SHARE_FULL: "More is sent than is stored, and the queue is full. See Guardrails.",
    judging.TOO_LARGE: "An item is larger than its type may be. Send less context with it.",
    judging.CONTENT_TYPE: "OTLP comes as application/x-protobuf or application/json, by HTTP.",
    judging.UNDECODABLE: "The body could not be read. A proxy may have changed or cut it.",
}


def setups() -> Sequence[Setup]:
    """All instructions, in the order in which they are offered."""
    return [setup for protocol in protocols.PROTOCOLS for setup in protocol.setups]


def setup_for(name: str, platform: str) -> Setup:
    """The chosen instructions, else the ones for the project's platform, else the first."""
    offered = setups()
    for setup in offered:
        if setup.name == name:
            return setup
    matching = (s for s in offered if platform and platform in (s.name, *s.platforms))
    return next(matching, offered[0])


def sample_command(url: str, project_id: int, key: str) -> str:
    """A command that sends one event without any SDK."""
    filled = TEST_COMMAND.replace("%URL%", url).replace("%PROJECT%", str(project_id))
    return filled.replace("%KEY%", key)
