"""Draws what PagerDuty and a webhook get as pages, for pictures: no part of the console."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

STYLE = """
body { margin: 0; padding: 16px; font: 14px/20px "Source Sans 3", system-ui, sans-serif;
  background: #fff; color: #22252a; }
h1 { font-size: 17px; margin: 0 0 4px; overflow-wrap: anywhere; }
p { margin: 0 0 8px; color: #56606b; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: 140px minmax(0, 1fr); gap: 6px 12px; margin: 12px 0; }
dt { color: #56606b; } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
a { color: #0b66c3; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/17px monospace; margin: 0; }
@media (prefers-color-scheme: dark) { body { background: #17191d; color: #dfe2e6; }
  p, dt { color: #a3abb5; } a { color: #62aef5; } }
@media (max-width: 480px) { dl { grid-template-columns: minmax(0, 1fr); } dd { margin: 0 0 6px; } }
"""


def incident_page(event: Mapping[str, Any]) -> str:
    """An event as PagerDuty shows it: its summary, links and details; or what it does."""
    payload = event.get("payload")
    if payload is None:
        return _page(f"<h1>{escape(event['event_action'])}</h1><p>{escape(event['dedup_key'])}</p>")
    about = " · ".join((payload["severity"], payload["source"], event["event_action"]))
    links = " · ".join(
        f'<a href="{escape(link["href"])}">{escape(link["text"])}</a>' for link in event["links"]
    )
    details = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>"
        for name, value in payload["custom_details"].items()
    )
    head = f"<h1>{escape(payload['summary'])}</h1><p>{escape(about)}</p><p>{links}</p>"
    return _page(f"{head}<dl>{details}</dl>")


def body_page(body: str) -> str:
    """A webhook's body, as its receiver reads it."""
    text = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    return _page(f"<pre>{escape(text)}</pre>")


def _page(content: str) -> str:
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style>"
    )
    return f"<!doctype html><html lang=en><head>{head}</head><body>{content}</body></html>"
