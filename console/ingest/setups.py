"""How an application is connected: what to install and paste, and what to do when it is refused."""

from dataclasses import dataclass

from console.ingest import auth, judging


@dataclass(frozen=True, slots=True)
class Setup:
    """Instructions for one kind of application.

    `code` is for `file`, and holds `%DSN%`, or its parts `%SERVER%`, `%KEY%` and `%PROJECT%`.
    """

    name: str
    label: str
    install: str
    file: str
    code: str
    platforms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    trace: str = ""
    """What the first trace needs, beyond an error that arrives."""

    def filled(self, dsn: str) -> str:
        """The code with the project's DSN, or the parts of it, filled in."""
        scheme, _, rest = dsn.partition("://")
        key, _, address = rest.partition("@")
        host, _, project = address.rpartition("/")
        code = self.code.replace("%DSN%", dsn).replace("%SERVER%", f"{scheme}://{host}")
        return code.replace("%KEY%", key).replace("%PROJECT%", project)


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

FLASK = (
    PYTHON_INIT
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

BEACON = """\
<script defer src="%SERVER%/beacon.js"
  data-key="%KEY%" data-project="%PROJECT%"
  data-release="my-app@1.0.0" data-environment="production"
  data-route="/products/:id"></script>
"""

BEACON_NOTES = """\
7 kB, nothing to install. LCP, INP, CLS, FCP and TTFB are sent when a page is hidden or left.
No cookies; queries and fragments of addresses stay in the browser.
data-route is the pattern that your server matched. Without it the path counts, its ids replaced.
A single-page application names each route it goes to: window.pharos?.route("/products/:id")
A content security policy must allow this server in script-src and in connect-src.
A server that was installed without npm needs cdn.jsdelivr.net in script-src too.
Not beside browserTracingIntegration of @sentry/browser: it sends the same, and visits count twice.
""".splitlines()

OPENTELEMETRY = """\
export OTEL_SERVICE_NAME="my-app"
export OTEL_RESOURCE_ATTRIBUTES="service.version=1.0.0,deployment.environment.name=production"
export OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"
export OTEL_EXPORTER_OTLP_COMPRESSION="gzip"
export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="%SERVER%/v1/traces"
export OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer%20%KEY%"
export OTEL_METRICS_EXPORTER="none" OTEL_LOGS_EXPORTER="none"
opentelemetry-instrument python app.py
"""

OPENTELEMETRY_NOTES = """\
Traces only: errors and their stacks come with a Sentry client, which may run beside it.
The variables are those of every OpenTelemetry SDK; the last line starts a Python application.
A collector sends here with its otlphttp exporter: the same address and header.
PostHog's Python client sends its spans too: its host is this server, its token is the key.
""".splitlines()

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

SETUPS = (
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
        trace="It needs traces_sample_rate above 0, and work inside start_transaction, as no"
        " framework begins one for a script. start_span names the steps within.",
    ),
    Setup(
        "flask",
        "Flask",
        'pip install "sentry-sdk[flask]"',
        "app.py",
        FLASK,
        notes=("Start it with `flask run`, then open /break.",),
        trace=REQUESTS_TRACED,
    ),
    Setup(
        "django",
        "Django",
        'pip install "sentry-sdk[django]"',
        "settings.py",
        DJANGO,
        notes=("Add the line of the comment to urls.py, start it, then open /break/.",),
        trace=REQUESTS_TRACED,
    ),
    Setup(
        "fastapi",
        "FastAPI",
        'pip install "sentry-sdk[fastapi]"',
        "main.py",
        FASTAPI,
        notes=("Start it with `fastapi dev main.py` or uvicorn, then open /break.",),
        trace=REQUESTS_TRACED,
    ),
    Setup(
        "node",
        "Node.js",
        "npm install @sentry/node\nnode --import ./instrument.mjs app.mjs",
        "instrument.mjs",
        NODE,
        ("node", "javascript"),
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
    Setup(
        "opentelemetry",
        "OpenTelemetry",
        "pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http\n"
        "opentelemetry-bootstrap -a install",
        "run.sh",
        OPENTELEMETRY,
        notes=tuple(OPENTELEMETRY_NOTES),
        trace="Spans are sent every five seconds, and when the process ends in order. Nothing is"
        " left out unless OTEL_TRACES_SAMPLER says so.",
    ),
    Setup("beacon", "Web vitals", "", "Inside <head>", BEACON, notes=tuple(BEACON_NOTES)),
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


def setup_for(name: str, platform: str) -> Setup:
    """The chosen instructions, else those of the project's platform, else the first."""
    for setup in SETUPS:
        if setup.name == name:
            return setup
    matching = (s for s in SETUPS if platform and platform in (s.name, *s.platforms))
    return next(matching, SETUPS[0])


def sample_command(url: str, project_id: int, key: str) -> str:
    """A command that sends one event without any SDK."""
    filled = TEST_COMMAND.replace("%URL%", url).replace("%PROJECT%", str(project_id))
    return filled.replace("%KEY%", key)
