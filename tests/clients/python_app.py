"""A Flask app with the unmodified sentry-sdk that answers eight requests and ends."""

import json
import os
import subprocess
import sys

REQUESTS, ERRORS, MESSAGES, QUERIES = 8, 4, 3, 2
APP = """
import os, sys
if os.environ["BROTLI"] == "absent":
    sys.modules["brotli"] = None
import flask, json, sentry_sdk, sqlalchemy
engine = sqlalchemy.create_engine("sqlite://")
engine.connect().close()
sent = []
sentry_sdk.init(
    dsn=os.environ["DSN"], release="cart@1.0.0", traces_sample_rate=1.0,
    trace_lifecycle=os.environ["LIFECYCLE"], max_breadcrumbs=5,
    before_send=lambda event, hint: sent.append(event["event_id"]) or event,
)
app = flask.Flask("cart")

@app.get("/items/<int:number>")
def item(number):
    with engine.connect() as connection:
        for _ in range(2):
            connection.execute(sqlalchemy.text("SELECT 1"))
    if number < 4:
        raise ValueError(f"item {number} is sold out")
    return "fine"

client = app.test_client()
statuses = [client.get(f"/items/{number}").status_code for number in range(8)]
for number in range(3):
    sentry_sdk.capture_message(f"cart {number} was left behind")
sentry_sdk.flush(10)
print(json.dumps({"sent": sent, "statuses": statuses}))
"""


def run(dsn: str, *, lifecycle: str = "static", brotli: str = "present") -> list[str]:
    """Run the app in a process of its own; return the ids of the events that its SDK sent."""
    done = subprocess.run(
        [sys.executable, "-c", APP],
        env=os.environ | {"DSN": dsn, "LIFECYCLE": lifecycle, "BROTLI": brotli},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    assert told["statuses"] == [500] * ERRORS + [200] * (REQUESTS - ERRORS)
    assert len(told["sent"]) == ERRORS + MESSAGES
    return list(told["sent"])
