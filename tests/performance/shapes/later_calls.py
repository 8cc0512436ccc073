"""Calls in shapes that were written later, as a measure of what detectors miss."""

from tests.performance.shapes.calls import HTTP, PAGE
from tests.performance.shapes.later_statements import each
from tests.performance.shapes.shape import Sent

LATER_CALLS = [
    # Calls, repeated and need not be.
    each(
        "angular",
        Sent(HTTP, "GET https://api.test/v3/customers/{i}/orders", ms=30),
        way="at once",
        calls=True,
        **PAGE,
    ),
    each(
        "vue, a trailing slash",
        Sent(HTTP, "GET /rest/items/{uuid}/", ms=30),
        way="at once",
        calls=True,
        **PAGE,
    ),
    each("hosts with a user", Sent(HTTP, "GET https://bob:x@api.test/items/{i}", ms=9), calls=True),
    each("ids with a suffix", Sent(HTTP, "GET https://api.test/items/{i}.json", ms=9), calls=True),
    each("dates", Sent(HTTP, "GET https://api.test/rates/2026-11-{n}", ms=9), calls=True),
    each("e-mails", Sent(HTTP, "GET https://api.test/people/{word}@acme.test", ms=9), calls=True),
    each("encoded ids", Sent(HTTP, "GET https://api.test/objects/a%2F{i}", ms=9), calls=True),
    each(
        "two ids",
        Sent(HTTP, "GET https://api.test/shops/{i}/items/{n}", ms=9),
        calls=True,
        platform="ruby",
    ),
    each(
        "webclient of spring",
        Sent(HTTP, "GET https://api.test/items/{i}", ms=25),
        way="at once",
        times=16,
        calls=True,
        platform="java",
    ),
    each(
        "a pool of workers",
        Sent(HTTP, "GET https://api.test/items/{i}", ms=2),
        way="pool",
        times=20,
        calls=True,
        platform="go",
    ),
    each("head requests", Sent(HTTP, "HEAD https://files.test/v1/{uuid}", ms=9), calls=True),
    each("same address again", Sent(HTTP, "GET https://config.test/settings", ms=9), calls=True),
    each(
        "kubernetes",
        Sent(HTTP, "GET https://10.96.0.1:443/api/v1/namespaces/shop/pods/web-{hex}", ms=9),
        calls=True,
        platform="go",
    ),
    each(
        "mails one by one",
        Sent(HTTP, "POST https://api.mail.test/v3/mail/send", ms=30),
        times=12,
        calls=True,
        platform="php",
    ),
    each(
        "puts at once",
        Sent(HTTP, "PUT https://api.test/items/{i}", ms=30),
        way="at once",
        times=12,
        calls=True,
        platform="node",
    ),
    each(
        "twirp",
        Sent(HTTP, "POST http://stock:8080/twirp/shop.Stock/GetItem", ms=9),
        times=12,
        calls=True,
        platform="go",
    ),
    each(
        "algolia objects",
        Sent(HTTP, "GET https://x-dsn.algolia.test/1/indexes/books/{i}", ms=9),
        calls=True,
        **PAGE,
    ),
    # Calls, repeated rightly.
    each("pages by a token", Sent(HTTP, "GET https://api.test/items?pageToken={hex}&max=50", ms=9)),
    each("pages by a path", Sent(HTTP, "GET https://api.test/items/page/{n}", ms=9)),
    each("pages since a time", Sent(HTTP, "GET https://api.test/events?since={i}", ms=9)),
    each(
        "many symbols", Sent(HTTP, "GET https://api.test/quotes?symbols=A,B,{word}", ms=9), times=7
    ),
    each("fonts", Sent(HTTP, "GET https://fonts.test/s/{i}.woff2", ms=9), way="at once", **PAGE),
    each("svg icons", Sent(HTTP, "GET /icons/{word}.svg", ms=9), way="at once", times=12, **PAGE),
    each("hls", Sent(HTTP, "GET https://video.test/7/seg-{i}.ts", ms=9), **PAGE),
    each(
        "range requests",
        Sent(HTTP, "GET https://f.test/a.zip", {"http.response.status_code": 206}, 9),
        platform="go",
    ),
    each("hot reload", Sent(HTTP, "GET /__webpack_hmr/{hex}.hot-update.json", ms=9), **PAGE),
    each("server components", Sent(HTTP, "GET /books/{i}?_rsc={hex}", ms=9), way="at once", **PAGE),
    each("waiting for a build", Sent(HTTP, "GET https://ci.test/builds/{i}", ms=30), way="polling"),
    each(
        "refused",
        Sent(HTTP, "GET https://api.test/items/{i}", {"http.response.status_code": 429}, 9),
    ),
    each(
        "traces sent",
        Sent(HTTP, "POST http://otel:4318/v1/traces", ms=9),
        times=14,
        platform="node",
    ),
    each("embedding in batches", Sent(HTTP, "POST https://llm.test/v1/embeddings", ms=90), times=8),
    each("a bulk api", Sent(HTTP, "POST https://search.test/_bulk", ms=9), times=14),
    each(
        "rpc of ethereum", Sent(HTTP, "POST https://eth.test/rpc", ms=9), times=14, platform="node"
    ),
]
