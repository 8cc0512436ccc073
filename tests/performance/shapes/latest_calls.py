"""Calls in the last two rounds of shapes."""

from typing import Any

from tests.performance.shapes.calls import HTTP, PAGE
from tests.performance.shapes.later_statements import each
from tests.performance.shapes.shape import Sent, Shape


def plain(sent: Sent, **fields: Any) -> Shape:
    """A shape that is named by what is sent."""
    return each(f"{sent.op} {sent.text} {sent.data or ''}", sent, **fields)


LATEST_CALLS = [
    each(
        "ky",
        Sent(HTTP, "GET https://api.test/v1/teams/{i}/members", ms=20),
        calls=True,
        **PAGE,
        way="at once",
    ),
    each(
        "xhr with numeric query",
        Sent(HTTP, "GET /api/comments?post={i}&limit=3", ms=20),
        calls=True,
        **PAGE,
        way="at once",
    ),
    each(
        "ionic",
        Sent(HTTP, "GET https://api.test/order/{uuid}/status", ms=20),
        calls=True,
        platform="javascript",
        op="navigation",
    ),
    each(
        "aiohttp",
        Sent(HTTP, "GET https://api.test/users/{i}", ms=20),
        way="at once",
        times=15,
        calls=True,
    ),
    each(
        "faraday",
        Sent(HTTP, "GET https://api.github.test/repos/acme/shop/issues/{i}", ms=9),
        calls=True,
        platform="ruby",
    ),
    each(
        "restclient",
        Sent(HTTP, "GET https://api.test/a/{hex}/b/{n}", ms=9),
        calls=True,
        platform="java",
    ),
    each(
        "refit",
        Sent(HTTP, "GET https://api.test/api/Products({i})", ms=9),
        calls=True,
        platform="csharp",
    ),
    each(
        "symfony client at once",
        Sent(HTTP, "GET https://api.test/p/{i}", ms=30),
        way="at once",
        calls=True,
        platform="php",
    ),
    each("ureq", Sent(HTTP, "GET https://api.test/p/{i}", ms=9), calls=True, platform="rust"),
    each(
        "dio",
        Sent(HTTP, "GET https://api.test/p/{i}", ms=9),
        way="pool",
        times=12,
        calls=True,
        platform="dart",
        op="ui.load",
    ),
    each(
        "urlsession",
        Sent(HTTP, "GET https://api.test/p/{uuid}", ms=9),
        calls=True,
        platform="cocoa",
        op="ui.load",
    ),
    each(
        "okhttp",
        Sent(HTTP, "GET https://api.test/p/{i}", ms=9),
        calls=True,
        platform="java",
        op="ui.load",
    ),
    each(
        "geocoding", Sent(HTTP, "GET https://geo.test/json?address={word}&key=x", ms=20), calls=True
    ),
    each("notion", Sent(HTTP, "GET https://api.notion.test/v1/pages/{uuid}", ms=20), calls=True),
    each("patches", Sent(HTTP, "PATCH https://api.test/p/{i}", ms=20), times=14, calls=True),
    each("s3 get", Sent(HTTP, "aws.s3.GetObject", ms=20), calls=True),
    each(
        "grpc python",
        Sent(
            "grpc.client",
            "unary unary call to /shop.Stock/Get",
            {"method": "/shop.Stock/Get"},
            ms=9,
        ),
        calls=True,
    ),
    each("search as typed", Sent(HTTP, "GET /api/search?q={word}", ms=20), way="polling", **PAGE),
    each("infinite scroll", Sent(HTTP, "GET /api/feed?cursor={hex}", ms=20), **PAGE),
    each(
        "link pages",
        Sent(HTTP, "GET https://api.test/repos?page={n}&per_page=100", ms=20),
        platform="ruby",
    ),
    each("lists", Sent(HTTP, "GET https://api.test/users?id=1,2,{i}", ms=20), times=8),
    each("manifest", Sent(HTTP, "GET /static/{i}.css", ms=9), **PAGE),
    each(
        "avatars", Sent(HTTP, "GET https://cdn.test/u/{i}/avatar.webp", ms=9), way="at once", **PAGE
    ),
    each("translations", Sent(HTTP, "GET /i18n/{word}.json", ms=9), way="at once", **PAGE),
    each("next-data", Sent(HTTP, "GET /_next/data/abc/p/{i}.json", ms=9), way="at once", **PAGE),
    each("options", Sent(HTTP, "OPTIONS /api/p/{i}", ms=9), way="at once", **PAGE),
    each(
        "five widgets at once",
        Sent(HTTP, "GET /api/widget/{i}", ms=9),
        times=5,
        way="at once",
        **PAGE,
    ),
    each("llm steps", Sent(HTTP, "POST https://api.llm.test/v1/messages", ms=900), times=6),
    each("gone", Sent(HTTP, "GET https://api.test/p/{i}", {"http.response.status_code": 404}, 9)),
    each(
        "unauthorized",
        Sent(HTTP, "GET https://api.test/p/{i}", {"http.response.status_code": 401}, 9),
    ),
    each("es bulk http", Sent(HTTP, "POST https://es.test:9200/logs/_bulk", ms=9), times=14),
    each("influx", Sent(HTTP, "POST http://influx:8086/write?db=m", ms=3), times=14),
    each("clickhouse http", Sent(HTTP, "POST http://ch:8123/?query=x", ms=3), times=14),
    each("loki", Sent(HTTP, "POST http://loki:3100/loki/api/v1/push", ms=3), times=14),
    each(
        "slack polling",
        Sent(HTTP, "GET https://slack.test/api/conversations.history?cursor={hex}", ms=30),
    ),
    each(
        "multipart",
        Sent(HTTP, "PUT https://b.s3.test/k?partNumber={n}&uploadId=z", ms=30),
        times=14,
    ),
    plain(
        Sent(HTTP, "GET https://api.test/customers/{i}/invoices?state=open", ms=20),
        calls=True,
        **PAGE,
        way="at once",
    ),
    plain(
        Sent(HTTP, "GET /api/v4/projects/{i}", {"http.response.status_code": 200}, ms=20),
        calls=True,
        **PAGE,
        way="at once",
    ),
    plain(Sent("http", "GET https://api.test/stock/{i}", ms=20), calls=True, platform="node"),
    plain(
        Sent("http.client", "GET http://pricing.svc.cluster.local:8080/price/{uuid}", ms=3),
        calls=True,
        platform="go",
    ),
    plain(
        Sent("http.client", "GET http://inventory/items/{i}/availability", ms=3),
        calls=True,
        platform="java",
    ),
    plain(
        Sent(
            "http.client",
            "GET",
            {"url": "https://api.test/users/{i}", "http.request.method": "GET"},
            ms=3,
        ),
        calls=True,
        platform="java",
    ),
    plain(
        Sent(
            "http.client",
            "HTTP GET",
            {"http.url": "https://api.test/users/{i}", "http.method": "GET"},
            ms=3,
        ),
        calls=True,
        platform="python",
    ),
    plain(
        Sent(
            "http.client",
            "api.test",
            {"url.full": "https://api.test/users/{i}", "http.request.method": "GET"},
            ms=3,
        ),
        calls=True,
        platform="go",
    ),
    plain(Sent("http.client", "GET https://api.test/users/{i}#top", ms=3), calls=True),
    plain(
        Sent("http.client", "GET https://api.stripe.test/v1/invoices/in_{hex}", ms=30),
        calls=True,
        platform="ruby",
    ),
    plain(
        Sent("http.client", "GET https://graph.test/v1.0/users/{uuid}/manager", ms=30),
        calls=True,
        platform="csharp",
    ),
    plain(
        Sent("http.client", "GET https://api.test/product?sku=ABC-{i}", ms=30),
        way="pool",
        times=20,
        calls=True,
    ),
    plain(Sent("rpc.client", "users.UserService/GetUser", ms=3), calls=True, platform="go"),
    plain(
        Sent(
            "http.client",
            "POST https://api.test/graphql",
            {"graphql.operation.name": "User", "graphql.operation.type": "query"},
            ms=9,
        ),
        times=12,
        calls=True,
        platform="javascript",
        op="navigation",
    ),
    plain(
        Sent("http.client", "GET https://registry.test/pkg-{i}/latest", ms=9),
        calls=True,
        platform="node",
    ),
    plain(
        Sent("http.client", "DELETE https://api.test/cart/{i}", ms=9),
        times=12,
        calls=True,
        platform="php",
    ),
    plain(Sent("http.client", "GET https://[2001:db8::1]:8443/a/{i}", ms=9), calls=True),
    plain(Sent("http.client", "GET http://localhost:8{i}/a", ms=9), calls=True, platform="node"),
    plain(
        Sent("http.client", "GET https://api.test/v2/sensor/{n}/last", ms=9),
        way="at once",
        calls=True,
    ),
    plain(Sent("http.client", "GET https://x.test/feed/{i}.xml", ms=9), calls=True),
    plain(Sent(HTTP, "GET https://a.test/x?page%5Bnumber%5D={n}", ms=9)),
    plain(Sent(HTTP, "GET https://a.test/x?startAt={i}&maxResults=50", ms=9)),
    plain(Sent(HTTP, "GET https://a.test/x?q=a&nextToken={hex}", ms=9)),
    plain(Sent(HTTP, "GET https://a.test/x?ids={i}&ids={n}", ms=9), times=6),
    plain(Sent(HTTP, "GET https://cdn.test/{hex}/chunk.mjs", ms=9), way="at once", **PAGE),
    plain(Sent(HTTP, "GET /img/{i}.avif?w=200", ms=9), way="at once", **PAGE),
    plain(Sent(HTTP, "POST /api/analytics", ms=9), times=12, **PAGE),
    plain(Sent(HTTP, "GET https://t.test/{n}/{i}/{i}.jpeg", ms=9), way="at once", times=20, **PAGE),
    plain(Sent(HTTP, "GET https://api.test/job/{i}/status", ms=9), way="polling", times=20),
    plain(Sent(HTTP, "GET https://api.test/a/{i}", {"http.response.status_code": 500}, 9)),
    plain(Sent(HTTP, "POST https://login.test/oauth/token", ms=9), times=4),
    plain(Sent(HTTP, "GET https://a.test/health", ms=9), times=2),
    plain(Sent("http.client", "aws.sqs.ReceiveMessage", ms=1000), way="polling"),
    plain(Sent("http.client", "aws.s3.UploadPart", ms=90), times=14),
    plain(Sent("http.client", "aws.s3.ListObjectsV2", ms=90), times=8),
    plain(Sent("http.client", "aws.dynamodb.Query", ms=5), times=8, statements=True),
    plain(Sent("websocket", "wss://a.test/{i}", ms=5), times=8),
    plain(Sent(HTTP, "GET https://a.test/events/stream", ms=5), times=3),
    plain(Sent(HTTP, "GET /api/v1/{word}", ms=9), times=8, way="at once", **PAGE),
    plain(
        Sent(HTTP, "POST https://sub.test/subgraph", {"graphql.operation.name": "E"}, 9),
        times=4,
        platform="node",
    ),
    plain(Sent("http.client.prefetch", "GET /books/{i}", ms=9), way="at once", **PAGE),
    plain(Sent("resource.fetch", "/books/{i}", ms=9), way="at once", **PAGE),
]
