"""An incident's messages as every channel sends them: `python tools/messages.py FOLDER`.

Writes mail as HTML and text, Slack's blocks and PagerDuty's events as JSON and as pages that draw
them, webhooks, and what each ready template makes. `photograph` takes pictures of them.
"""

import argparse
import json
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from console.channels import pagerduty, webhook  # noqa: E402 - after the path that leads to it
from console.channels.facts import clean  # noqa: E402
from console.channels.kinds import Way  # noqa: E402
from console.channels.letter import html_of, text_of  # noqa: E402
from console.channels.message import Fact, Message, Picture, Verb  # noqa: E402
from console.channels.ready_templates import READY  # noqa: E402
from console.channels.slack_blocks import body_of  # noqa: E402
from console.web.charts import Chart, Marker, Series, Span, Threshold, sentence  # noqa: E402
from console.web.clocks import in_zone_of  # noqa: E402
from console.web.drawing import LIGHT, svg  # noqa: E402
from console.web.png import render_png  # noqa: E402
from tools.pagerduty_page import body_page, incident_page  # noqa: E402
from tools.slack_page import page_of  # noqa: E402

URL = "https://pharos.example.com"
WAY = Way("", "pharos@example.com", "", pagerduty.US, allow_private=False, base_url=URL)
ZONE = "Europe/Berlin"  # its reader's
WIDTH, HEIGHT = 600, 220
WIDTHS = {"wide": 800, "narrow": 390}
USUAL = (1.1, 0.9, 1.4, 1.0, 0.8, 1.2, 1.6, 1.1, 0.9, 1.3, 1.0, 1.2, 0.8, 1.1, 1.5, 1.2, 1.0, 1.4)
RATES = (*USUAL * 4, 1.6, 2.4, 5.8, 8.9, 10.2, 11.8, 12.1, 12.4)


def main() -> None:
    """Write everything into the folder that the command names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print(f"{len(written(folder))} files in {folder}")


def written(folder: Path) -> list[Path]:
    """Write all examples; their files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in examples():
        path = folder / name
        path.write_text(text)
        paths.append(path)
    return paths


def photograph(browser: Browser, folder: Path) -> int:
    """Take pictures of the examples that are pages, in both themes, wide and narrow; how many."""
    pages = [path for path in written(folder / "messages") if path.suffix == ".html"]
    for theme in ("light", "dark"):
        for size, width in WIDTHS.items():
            context = browser.new_context(
                color_scheme="dark" if theme == "dark" else "light",
                viewport={"width": width, "height": 400},
            )
            for path in pages:
                page = context.new_page()
                page.goto(path.resolve().as_uri())
                target = folder / f"{size}-{theme}" / f"message-{path.stem}.png"
                page.screenshot(path=target, full_page=True)
                page.close()
            context.close()
    return len(pages)


def examples() -> Iterator[tuple[str, str]]:
    """The name and text of each file."""
    for name, message in messages().items():
        image = image_of(message)
        yield f"{name}-mail.html", html_of(clean(message), picture=image)
        yield f"{name}-mail.txt", text_of(clean(message))
        body = body_of(clean(message), acts=True, picture="F1" if image else "")
        yield f"{name}-slack.json", _json(body)
        yield f"{name}-slack.html", page_of(body, {"F1": image})
        sent = webhook.render("", message, URL)
        yield f"{name}-webhook.json", sent
        yield f"{name}-webhook.html", body_page(sent)
        if message.verb in pagerduty.KIND.takes:
            action = pagerduty.ACTIONS.get(message.verb, "trigger")
            event = pagerduty.event_of({"routing_key": "…"}, clean(message), action, WAY)
            yield f"{name}-pagerduty.json", _json(event)
            yield f"{name}-pagerduty.html", incident_page(event)
        for ready in READY:
            yield f"{name}-{ready.name}.json", webhook.render(ready.template, message, URL)


def messages() -> dict[str, Message]:
    """An incident from its beginning to its end, a digest, and a test."""
    began = webhook.SAMPLE.since or webhook.SAMPLE.at
    with Flask(__name__).test_request_context(), in_zone_of(ZONE):
        drawn = picture()
    opened = _to_a_person(replace(webhook.SAMPLE, picture=drawn, zone=ZONE))
    answered = replace(
        opened,
        verb=Verb.ACKNOWLEDGE,
        state="acknowledged",
        at=began + timedelta(minutes=12),
        facts=[*opened.facts, Fact("Acknowledged", "by Alice, 12 minutes after it began")],
    )
    resolved = replace(
        answered,
        verb=Verb.RESOLVE,
        state="resolved",
        at=began + timedelta(minutes=38),
        until=began + timedelta(minutes=38),
    )
    slow = replace(
        opened, headline="GET /cart takes 2.1 s (P95), above 1 s", level="warning", severity="low"
    )
    listed = replace(
        webhook.BARE,
        verb=Verb.DIGEST,
        title="Incidents of low severity",
        headline="3 incidents since yesterday, 08:00",
        organization="Acme",
        zone=ZONE,
        entries=[slow, resolved, replace(slow, state="acknowledged")],
    )
    test = replace(webhook.BARE, organization="Acme", settings_url=f"{URL}/account")
    return {
        "1-trigger": opened,
        "2-escalate": replace(
            opened,
            verb=Verb.ESCALATE,
            why="Step 2 of the policy Checkout, after 10 minutes.",
            delayed_minutes=4,
        ),
        "3-acknowledge": answered,
        "4-resolve": resolved,
        "5-digest": _to_a_person(listed),
        "6-test": test,
    }


def _to_a_person(message: Message) -> Message:
    return replace(message, settings_url=f"{URL}/account", unsubscribe_url=f"{URL}/u/token")


def picture() -> Picture:
    """The chart of the incident, as the console draws it."""
    until = webhook.SAMPLE.at
    grain = timedelta(minutes=1)
    buckets = [until - grain * (len(RATES) - number) for number in range(len(RATES))]
    began = webhook.SAMPLE.since or until
    chart = Chart(
        title="Failed requests",
        buckets=buckets,
        grain=grain,
        unit="%",
        series=[Series("POST /checkout", RATES)],
        threshold=Threshold(5.0, "Critical"),
        markers=[Marker(began - timedelta(minutes=9), "shop 2.4.1")],
        spans=[Span(began, until)],
    )
    return Picture(render_png(svg(chart, WIDTH, HEIGHT, LIGHT)), sentence(chart), WIDTH, HEIGHT)


def image_of(message: Message) -> str:
    """A message's picture as an address that a page shows; "" if it has none."""
    if message.picture is None:
        return ""
    return f"data:image/png;base64,{b64encode(message.picture.png).decode()}"


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    main()
