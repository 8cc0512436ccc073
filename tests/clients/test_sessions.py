"""Release health by unmodified SDKs: the catalogue says what the apps went through."""

import json
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Thread
from urllib.parse import quote

import pytest

from tests.clients.python_app import ERRORS, REQUESTS, run
from tests.clients.test_javascript import HTML, Quiet
from tests.support import javascript

NODE = """
import * as Sentry from "PACKAGE";
Sentry.init({ dsn: process.env.DSN, release: "api@2.0.0", environment: "staging" });
const { default: express } = await import("express");
const app = express();
app.get("/fine", (_request, response) => response.end("fine"));
app.get("/caught", (_request, response) => {
  Sentry.captureException(new Error("caught"));
  response.end("fine");
});
app.get("/broken", () => { throw new TypeError("broken"); });
Sentry.setupExpressErrorHandler(app);
app.use((_error, _request, response, _next) => response.status(500).end());
const server = app.listen(0, "127.0.0.1");
await new Promise((ready) => server.once("listening", ready));
for (const path of ["fine", "fine", "fine", "caught", "broken"]) {
  await (await fetch(`http://127.0.0.1:${server.address().port}/${path}`)).text();
}
await new Promise((closed) => { server.close(closed); server.closeAllConnections(); });
await Sentry.close(10000);
"""
PAGE = """
import * as Sentry from "@sentry/browser";
Sentry.init({ dsn: DSN, release: "page@1.0.0" });
Sentry.setUser({ id: "ada" });
window.crash = () => new Promise((done) => {
  setTimeout(() => { setTimeout(() => Sentry.flush(10000).then(done), 100); boom(); }, 0);
});
"""


def number(project, metric, **query):
    """What the metric says of the last day: the number and its samples."""
    asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    answer = project.get(f"metrics/{metric}?step=86400&{asked}")
    parts = {series["value"]: series["points"][-1] for series in answer["series"]}
    return {value: (point["number"], point["samples"]) for value, point in parts.items()}


def test_flask(console):
    project = console.project("flask sessions")
    run(project.dsn)
    project.wait_for(sessions=1)
    assert number(project, "sessions.count") == {"": (REQUESTS, REQUESTS)}
    assert number(project, "sessions.crash_free") == {"": (1 - ERRORS / REQUESTS, REQUESTS)}
    adoption = number(project, "sessions.adoption", by="release")
    assert adoption == {"cart@1.0.0": (1.0, REQUESTS)}
    narrowed = number(project, "sessions.adoption", **{"where.release": "cart@0.9"})
    assert narrowed == {"": (0.0, REQUESTS)}


@pytest.mark.node
@pytest.mark.parametrize(("package", "process"), [("@sentry/node", 0), ("sentry-node-10", 1)])
def test_node(console, tmp_path, package, process):
    """Up to version 10 the process is a session as well, and crashes with its request."""
    project = console.project(f"{package.strip('@')} sessions")
    javascript.run(NODE.replace("PACKAGE", package), tmp_path, DSN=project.dsn)
    project.wait_for(sessions=1, session=2 * process, event=2)
    all_ = 5 + process
    assert number(project, "sessions.count", by="release") == {"api@2.0.0": (all_, all_)}
    assert number(project, "sessions.crash_free") == {"": (pytest.approx(4 / all_), all_)}
    assert number(project, "sessions.healthy") == {"": (pytest.approx(3 / all_), all_)}


@pytest.mark.browser
def test_browser(console, tmp_path, chromium):
    project = console.project("page sessions")
    javascript.bundle(PAGE.replace("DSN", json.dumps(project.dsn), 1), tmp_path)
    (tmp_path / "index.html").write_text(HTML)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as pages:
        thread = Thread(target=pages.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{pages.server_port}/index.html"
        chromium.goto(address)
        chromium.evaluate("() => window.crash()")
        chromium.goto(address)
        pages.shutdown()
        thread.join()
    project.wait_for(session=3, event=1)
    assert number(project, "sessions.count") == {"": (2, 2)}
    assert number(project, "sessions.unhandled_free") == {"": (0.5, 2)}
    assert number(project, "sessions.crash_free") == {"": (1.0, 2)}, "a page goes on"
    assert number(project, "sessions.crash_free_users") == {"": (1.0, 1)}
