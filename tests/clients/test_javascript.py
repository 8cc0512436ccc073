"""The unmodified JavaScript SDKs, under Node.js and in a browser."""

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support import javascript
from tests.support.chromium import Complaints

NODE = """
import * as Sentry from "PACKAGE";
Sentry.init({ dsn: process.env.DSN, release: "api@1.0.0", tracesSampleRate: 1 });
const sent = [];
function charge(card) {
  if (card > 2) throw new TypeError(`card ${card} is declined`);
}
for (let card = 1; card <= 5; card++) {
  try { charge(card); } catch (error) { sent.push(Sentry.captureException(error)); }
}
sent.push(Sentry.captureMessage("the till is open"));
await Sentry.startSpan({ name: "nightly", op: "task" }, async () => {
  for (let step = 0; step < 3; step++) Sentry.startSpan({ name: "step", op: "step" }, () => {});
});
await Sentry.flush(10000);
console.log(JSON.stringify(sent));
"""

PAGE = """
import * as Sentry from "@sentry/browser";
Sentry.init({
  dsn: DSN, release: "page@1.0.0", tracesSampleRate: 1,
  integrations: [Sentry.browserTracingIntegration()],
});
function open(drawer) { throw new RangeError(`drawer ${drawer} is stuck`); }
window.sent = [];
window.fail = async () => {
  for (let n = 0; n < 3; n++) {
    try { open(n); } catch (error) { window.sent.push(Sentry.captureException(error)); }
  }
  await Sentry.flush(10000);
  return window.sent;
};
"""
HTML = "<link rel='icon' href='data:,'><script src='bundle.js'></script>"


@pytest.mark.node
@pytest.mark.parametrize("package", ["@sentry/node", "sentry-node-10"])
def test_node(console, tmp_path, package):
    project = console.project(package.strip("@"))
    printed = javascript.run(NODE.replace("PACKAGE", package), tmp_path, DSN=project.dsn)
    sent = json.loads(printed)
    assert len(sent) == 4
    counted = project.wait_for(event=4, span=4)
    assert counted["event", "stored"] == 4
    assert counted["span", "stored"] == 4
    events = {issue["title"].partition(" ")[0]: issue["events"] for issue in project.issues()}
    assert events == {"TypeError:": 3, "the": 1}


@pytest.mark.browser
def test_browser(console, tmp_path, chromium):
    project = console.project("page")
    script = PAGE.replace("DSN", json.dumps(project.dsn), 1)
    javascript.bundle(script, tmp_path)
    (tmp_path / "index.html").write_text(
        "<link rel=icon href='data:,'><script src='bundle.js'></script>"
    )
    complaints = Complaints(chromium)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as pages:
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        chromium.goto(f"http://127.0.0.1:{pages.server_port}/index.html")
        sent = chromium.evaluate("() => window.fail()")
        pages.shutdown()
        thread.join()
    assert len(sent) == 3
    counted = project.wait_for(event=3)
    assert counted["event", "stored"] == 3
    assert [(issue["kind"], issue["events"]) for issue in project.issues()] == [("RangeError", 3)]
    assert complaints.heard == []


class Quiet(SimpleHTTPRequestHandler):
    """Serves the page from another origin than the console's."""

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""
