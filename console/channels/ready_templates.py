"""Templates to start from, for services that take JSON by a webhook."""

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
       "text": "{{ subject:500 }}"},
      {"type": "TextBlock", "wrap": true, "text": "{{ text:4000 }}"}],
    "actions": [{"type": "Action.OpenUrl", "title": "Open in Pharos", "url": "{{ url }}"}]}}]}"""

READY = (
    ReadyTemplate(
        "discord",
        "Discord",
        "The webhook URL from Integrations of the channel's settings.",
        '{"username": "Pharos", "allowed_mentions": {"parse": []}, "embeds": [{"title":'
        ' "{{ subject:250 }}", "description": "{{ text:4000 }}", "url": "{{ url }}", "color":'
        ' {{ color_number }}, "timestamp": "{{ at }}"}]}',
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
        '{"topic": "TOPIC", "title": "{{ subject:250 }}", "message": "{{ text:3500 }}", "click":'
        ' "{{ url }}", "priority": {{ priority }}}',
    ),
    ReadyTemplate(
        "mattermost",
        "Mattermost",
        "The URL of an incoming webhook.",
        '{"username": "Pharos", "attachments": [{"fallback": "{{ subject:250 }}", "color":'
        ' "{{ color }}", "title": "{{ subject:250 }}", "title_link": "{{ url }}", "text":'
        ' "{{ text:3500 }}"}]}',
    ),
    ReadyTemplate(
        "google-chat",
        "Google Chat",
        "The webhook URL from Apps & integrations of a space.",
        '{"text": "{{ text:3500 }}\\n{{ url }}"}',
    ),
    ReadyTemplate(
        "telegram",
        "Telegram",
        "https://api.telegram.org/botTOKEN/sendMessage. Replace CHAT.",
        '{"chat_id": "CHAT", "text": "{{ text:3500 }}\\n{{ url }}",'
        ' "link_preview_options": {"is_disabled": true}}',
    ),
)
