"""How an application is connected by a client of Sentry's, or by a request of its own."""

from console.ingest.setups import Setup

PYTHON_INIT = """\
import sentry_sdk

sentry_sdk.init(
    dsn="%DSN%",
    environment="production",
    release="my-app@1.0.0",
    traces_sample_rate=1.0,
    # Name the line of every query, also of quick ones: repeated queries are found by it.
    db_query_source_threshold_ms=0,
)
"""

PLAIN = (
    PYTHON_INIT
    + """

def main():
    with sentry_sdk.start_transaction(op="task", name="nightly import"):
        with sentry_sdk.start_span(op="step", name="read the file"):
            ...
        raise RuntimeError("Hello Pharos")


main()
"""
)

FLASK_INIT = PYTHON_INIT.replace(
    "import sentry_sdk\n",
    "import sentry_sdk\nfrom sentry_sdk.integrations.flask import FlaskIntegration\n",
).replace(
    "    traces_sample_rate",
    "    # Name endpoints by their route, as in GET /orders/<id>, not by the function behind it.\n"
    '    integrations=[FlaskIntegration(transaction_style="url")],\n'
    "    traces_sample_rate",
)

FLASK = (
    FLASK_INIT
    + """
from flask import Flask

app = Flask(__name__)


@app.get("/break")
def break_it():
    raise RuntimeError("Hello Pharos")
"""
)

DJANGO = (
    PYTHON_INIT
    + """
# In urls.py, to try it out:
#     path("break/", lambda request: 1 / 0),
"""
)

FASTAPI = (
    PYTHON_INIT
    + """
from fastapi import FastAPI

app = FastAPI()


@app.get("/break")
async def break_it():
    raise RuntimeError("Hello Pharos")
"""
)

NODE = """\
import * as Sentry from "@sentry/node";

Sentry.init({
  dsn: "%DSN%",
  environment: "production",
  release: "my-app@1.0.0",
  tracesSampleRate: 1.0,
});

// To try it out:
Sentry.captureException(new Error("Hello Pharos"));
"""

BROWSER = """\
import * as Sentry from "@sentry/browser";

Sentry.init({
  dsn: "%DSN%",
  environment: "production",
  release: "my-app@1.0.0",
  integrations: [Sentry.browserTracingIntegration()],
  tracesSampleRate: 1.0,
});

// To try it out:
setTimeout(() => { throw new Error("Hello Pharos"); });
"""

CURL = """\
#!/bin/sh
# A JSON object sent by POST is all it takes, in any language.
curl -i '%SERVER%/api/%PROJECT%/store/?sentry_key=%KEY%' \\
  --header 'Content-Type: application/json' --data '{
    "level": "error",
    "exception": {"values": [{"type": "BackupFailed", "value": "no space left on /mnt/backup"}]},
    "environment": "production",
    "release": "my-app@1.0.0",
    "server_name": "db1",
    "tags": {"job": "nightly-backup"}
  }'
"""

CURL_NOTES = """\
Sentry's SDKs for Go, Java, .NET, PHP, Ruby, Rust, mobile and others take the DSN as it is.
200 means that the event is on disk here; 429 says to wait, 403 that the key is wrong.
Without an event_id (32 hexadecimal digits) each sending is an event of its own.
Events with the same exception type and place are one issue; "fingerprint": ["…"] decides otherwise.
""".splitlines()

REQUESTS_TRACED = (
    "It shows once a request has come in, as long as traces_sample_rate is above 0: each request"
    " is a trace of its own. With a busy application, 0.1 keeps one in ten; counts are corrected"
    " for it."
)

CLIENTS = (
    Setup(
        "python",
        "Python",
        "pip install sentry-sdk",
        "main.py",
        PLAIN,
        notes=(
            (
                "Uncaught exceptions are sent by themselves, those you catch by"
                " sentry_sdk.capture_exception()."
            ),
        ),
        run="python main.py",
        trace="It needs traces_sample_rate above 0, and work inside start_transaction, as no"
        " framework begins one for a script. start_span names the steps within.",
    ),
    Setup(
        "flask",
        "Flask",
        'pip install "sentry-sdk[flask]"',
        "app.py",
        FLASK,
        run="flask run",
        try_it="curl http://127.0.0.1:5000/break",
        trace=REQUESTS_TRACED,
    ),
    Setup(
        "django",
        "Django",
        'pip install "sentry-sdk[django]"',
        "settings.py",
        DJANGO,
        notes=("Add the line of the comment to urls.py first.",),
        run="python manage.py runserver 8001",
        try_it="curl http://127.0.0.1:8001/break/",
        trace=REQUESTS_TRACED,
    ),
    Setup(
        "fastapi",
        "FastAPI",
        'pip install "sentry-sdk[fastapi]"',
        "main.py",
        FASTAPI,
        run="fastapi dev main.py --port 8001",
        try_it="curl http://127.0.0.1:8001/break",
        trace=REQUESTS_TRACED,
    ),
    Setup(
        "node",
        "Node.js",
        "npm install @sentry/node",
        "instrument.mjs",
        NODE,
        ("node", "javascript"),
        run="node --import ./instrument.mjs app.mjs",
        trace="It needs tracesSampleRate above 0, and node started with --import, so that this"
        " file runs before the application loads http, express or pg. Each request is then a"
        " trace.",
    ),
    Setup(
        "browser",
        "Browser",
        "npm install @sentry/browser",
        "main.js",
        BROWSER,
        trace="It needs browserTracingIntegration and tracesSampleRate above 0."
        " A page load is then a trace, sent when the page is idle or left. To join it with the"
        " server's, name the server in tracePropagationTargets.",
    ),
)
PLAIN_REQUEST = (
    Setup(
        "other",
        "Something else",
        "",
        "report.sh",
        CURL,
        notes=tuple(CURL_NOTES),
        trace="A trace takes an SDK with tracing, or OpenTelemetry.",
    ),
)
