"""Templates to start from, for services that take JSON by a webhook.

Texts are cut for the service that counts worst: ntfy takes 4,096 bytes, Telegram and Discord 4,096
halves of UTF-16, and each character may be four of the one or two of the other.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadyTemplate:
    """A template that works as it is, or after its capitals are replaced."""

    name: str
    title: str
    help: str
    """Which address goes with it, and where that comes from."""
    template: str


TEAMS = """{"type": "message", "attachments": [{
  "contentType": "application/vnd.microsoft.card.adaptive",
  "content": {
    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
    "version": "1.4",
    "body": [
      {"type": "TextBlock", "size": "medium", "weight": "bolder", "wrap": true,
       "text": "{{ subject_markdown:500 }}"},
      {"type": "FactSet", "facts": {{ fact_set }}}],
    "msteams": {"width": "Full"},
    "actions": [{"type": "Action.OpenUrl", "title": "Open in Pharos", "url": "{{ url }}"}]}}]}"""

READY = (
    ReadyTemplate(
        "discord",
        "Discord",
        "The webhook URL from Integrations of the channel's settings.",
        # An embed has no "url": Discord refuses it all for a host without a dot, http://pharos.
        '{"username": "Pharos", "allowed_mentions": {"parse": []}, "embeds": [{"title":'
        ' "{{ subject_markdown:120 }}", "description": "{{ text_markdown:1900 }}\\n{{ url }}",'
        ' "color": {{ color_number }}, "timestamp": "{{ at }}"}]}',
    ),
    ReadyTemplate(
        "teams",
        "Microsoft Teams",
        "The URL of the workflow “Post to a channel when a webhook request is received”.",
        TEAMS,
    ),
    ReadyTemplate(
        "ntfy",
        "ntfy",
        "https://ntfy.sh or a server of one's own. Replace TOPIC.",
        '{"topic": "TOPIC", "title": "{{ subject:120 }}", "message": "{{ text:1000 }}", "click":'
        ' "{{ url }}", "priority": {{ priority }}}',
    ),
    ReadyTemplate(
        "mattermost",
        "Mattermost",
        "The URL of an incoming webhook.",
        '{"username": "Pharos", "attachments": [{"fallback": "{{ subject:250 }}", "color":'
        ' "{{ color }}", "title": "{{ subject_markdown:250 }}", "title_link": "{{ url }}", "text":'
        ' "{{ text_markdown:3500 }}"}]}',
    ),
    ReadyTemplate(
        "google-chat",
        "Google Chat",
        "The webhook URL from Apps & integrations of a space.",
        '{"text": "{{ text:1900 }}\\n{{ url }}"}',
    ),
    ReadyTemplate(
        "telegram",
        "Telegram",
        "https://api.telegram.org/botTOKEN/sendMessage. Replace CHAT.",
        '{"chat_id": "CHAT", "text": "{{ text:1900 }}\\n{{ url }}",'
        ' "link_preview_options": {"is_disabled": true}}',
    ),
)
