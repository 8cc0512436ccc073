"""How a web site is connected by the beacon."""

from console.ingest.setups import Setup

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

SETUPS = (Setup("beacon", "Web vitals", "", "Inside <head>", BEACON, notes=tuple(BEACON_NOTES)),)
