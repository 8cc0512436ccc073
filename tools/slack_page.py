"""Draws a message's blocks about as Slack does, for pictures: no part of the console."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

STYLE = """
body { margin: 0; padding: 16px; font: 15px/22px Lato, "Source Sans 3", system-ui, sans-serif;
  background: #fff; color: #1d1c1d; }
.from { font-weight: 900; } .app { font-size: 10px; background: #ddd; padding: 1px 3px; }
.bar { border-left: 4px solid; border-radius: 4px; padding: 4px 0 4px 12px; margin-top: 6px;
  max-width: 600px; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; margin: 6px 0; }
.fields > div { overflow-wrap: anywhere; }
img { max-width: 100%; border-radius: 8px; border: 1px solid #ddd; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0; }
.actions span { border: 1px solid #bbb; border-radius: 4px; padding: 3px 12px; font-weight: 700; }
.actions .primary { background: #007a5a; color: #fff; border-color: #007a5a; }
a { color: #1264a3; text-decoration: none; }
@media (prefers-color-scheme: dark) { body { background: #1a1d21; color: #d1d2d3; }
  a { color: #1d9bd1; } .app { background: #444; } }
@media (max-width: 480px) { .fields { grid-template-columns: 1fr; } }
"""


def page_of(body: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """The page of a message; `files` are the addresses of pictures by their id at Slack."""
    parts = ['<div><span class="from">Pharos</span> <span class="app">APP</span></div>']
    parts.append(f"<div>{_marked(body['text'])}</div>")
    for attachment in body["attachments"]:
        blocks = "".join(_block(block, files) for block in attachment["blocks"])
        parts.append(f'<div class="bar" style="border-color: {attachment["color"]}">{blocks}</div>')
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style>"
    )
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>"


def _block(block: Mapping[str, Any], files: Mapping[str, str]) -> str:
    kind = block["type"]
    if kind == "section":
        fields = "".join(
            f"<div>{_marked(field['text'])}</div>" for field in block.get("fields", [])
        )
        text = f"<div>{_marked(block['text']['text'])}</div>" if "text" in block else ""
        return text + (f'<div class="fields">{fields}</div>' if fields else "")
    if kind == "image":
        address = files[block["slack_file"]["id"]]
        return f'<img src="{address}" alt="{escape(block["alt_text"])}" width="600">'
    if kind == "actions":
        buttons = "".join(
            f'<span class="{button.get("style", "")}">{escape(button["text"]["text"])}</span>'
            for button in block["elements"]
        )
        return f'<div class="actions">{buttons}</div>'
    raise ValueError(kind)


def _marked(text: str) -> str:
    """Slack's mark-up as HTML: links, bold text, and lines; it is escaped already."""
    text = re.sub(r"<([^|>]*)\|([^>]*)>", r'<a href="\1">\2</a>', text)
    text = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", text)
    return text.replace("\n", "<br>")
