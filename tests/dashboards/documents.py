"""Documents and forms for tests of dashboards."""

from typing import Any

from selectolax.lexbor import LexborHTMLParser as HTMLParser
from werkzeug.datastructures import MultiDict

from console.dashboards.document import Document, Place, Section, Tab, Tile

P95 = {"queries": [{"metric": "requests.p95"}]}


def document(title: str = "Shop", **fields: Any) -> Document:
    """Two tiles beside each other, and a text below them."""
    tiles = (
        Tile(id="", kind="number", title="P95", place=Place(x=0, y=0, w=3, h=2), settings=P95),
        Tile(id="", kind="line", title="Slow", place=Place(x=3, y=0, w=6, h=4), settings=P95),
        Tile(id="", kind="text", title="Notes", place=Place(x=0, y=4, w=12, h=2),
             settings={"text": "Call Bob"}),
    )  # fmt: skip
    return Document(**{"title": title, "tabs": (Tab(sections=(Section(tiles=tiles),)),), **fields})


def fields(page: str, form: str = "#edit") -> MultiDict[str, str]:
    """What a form of a page would send, as a browser that presses no button."""
    root = HTMLParser(page).css_first(form)
    assert root is not None, page
    sent: MultiDict[str, str] = MultiDict()
    for field in root.css("input, select, textarea"):
        name, kind = field.attributes.get("name"), field.attributes.get("type")
        if not name or (kind == "checkbox" and "checked" not in field.attributes):
            continue
        if field.tag == "select":
            chosen = field.css_first("option[selected]") or field.css_first("option")
            sent.add(name, (chosen.attributes.get("value") or "") if chosen else "")
        elif field.tag == "textarea":
            sent.add(name, field.text().strip())
        else:
            sent.add(name, field.attributes.get("value") or "")
    return sent


def filled(page: str, form: str = "#edit", **changes: str) -> MultiDict[str, str]:
    """The same with other values in some fields; `__` stands for a dot in a name."""
    sent = fields(page, form)
    for name, value in changes.items():
        sent.setlist(name.replace("__", "."), [value])
    return sent
