"""Types of items and reasons as people call them, and the pages that show what was stored."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ItemWords:
    """What a type of item is called, and the view that lists what was stored of it."""

    name: str
    endpoint: str = ""


ITEMS = {
    "event": ItemWords("Error events", "errors.inbox"),
    "error": ItemWords("Error events", "errors.inbox"),
    "default": ItemWords("Messages", "errors.inbox"),
    "span": ItemWords("Spans", "performance.traces"),
    "transaction": ItemWords("Transactions", "performance.traces"),
    "web_vital": ItemWords("Web vitals", "performance.vitals"),
    "check_in": ItemWords("Check-ins", "uptime.checks"),
    "session": ItemWords("Sessions"),
    "sessions": ItemWords("Sessions"),
    "client_report": ItemWords("Client reports"),
    "log_item": ItemWords("Logs"),
    "log": ItemWords("Logs"),
    "trace_metric": ItemWords("Metrics"),
    "statsd": ItemWords("Metrics"),
    "attachment": ItemWords("Attachments"),
    "profile": ItemWords("Profiles"),
    "profile_chunk": ItemWords("Profiles"),
    "replay": ItemWords("Replays"),
    "replay_event": ItemWords("Replays"),
    "replay_recording": ItemWords("Replays"),
    "feedback": ItemWords("User feedback"),
    "user_report": ItemWords("User feedback"),
    "security": ItemWords("Security reports"),
}

# What clients give as a reason when they drop something: docs of Sentry's client reports.
CLIENT_REASONS = {
    "sample_rate": "Sampled out",
    "before_send": "Dropped by before_send",
    "event_processor": "Dropped by an event processor",
    "ignored": "Ignored by the client's settings",
    "network_error": "Network error",
    "send_error": "Refused by the server",
    "queue_overflow": "The client's queue was full",
    "buffer_overflow": "The client's buffer was full",
    "cache_overflow": "The client's cache was full",
    "ratelimit_backoff": "Held back after a 429",
    "backpressure": "Sampled down under load",
    "internal_sdk_error": "Error in the SDK",
    "insufficient_data": "Too little data",
    "invalid": "Not valid",
    "no_client": "No client was set up",
}


def item_words(item_type: str) -> ItemWords:
    """The words of a type; what is not known keeps the name that its client gave it."""
    return ITEMS.get(item_type) or ItemWords(item_type)


def reason_words(reason: str) -> str:
    """The words of a client's reason; others are words already."""
    return CLIENT_REASONS.get(reason, reason)
