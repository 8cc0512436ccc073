"""Requests to other services: repeated ones, and such as are repeated rightly."""

from typing import Any

from tests.performance.shapes.shape import Sent, Shape, Way, run

HTTP = "http.client"
PAGE: dict[str, Any] = {"platform": "javascript", "op": "pageload"}


def many(name: str, text: str, *, times: int = 12, way: Way = "loop", by: str = HTTP, **fields):
    """A shape with one call that is repeated and need not be."""
    made = {key: fields.pop(key) for key in ("data", "tags", "below", "status") if key in fields}
    return Shape(name, [run(times, Sent(by, text, ms=20, **made), way=way)], calls=True, **fields)


def rightly(name: str, text: str, **fields):
    """The same, which nobody should complain about."""
    shape = many(name, text, **fields)
    return Shape(shape.name, shape.runs, platform=shape.platform, op=shape.op)


CALLS = [
    many("requests of python", "GET https://stock.test/items/{i}", data={"http.method": "GET"}),
    many("five of them", "GET https://stock.test/items/{i}", times=5),
    many("httpx, gathered", "GET https://stock.test/items/{i}", way="at once", times=20),
    many("browser, relative, at once", "GET /api/items/{i}", way="at once", **PAGE),
    many("browser, relative, in a loop", "GET /api/items/{i}", times=6, **PAGE),
    many(
        "browser, after a click",
        "GET /api/v2/users/{i}/avatar-info",
        way="at once",
        platform="javascript",
        op="ui.action.click",
    ),
    many("browser, an id in the query", "GET https://api.test/item?id={i}", way="at once", **PAGE),
    many(
        "browser, the query apart",
        "GET /api/weather",
        way="at once",
        data={"url": "/api/weather", "http.query": "?city={word}"},
        **PAGE,
    ),
    many("react native", "GET https://api.test/v1/posts/{hex}", way="at once", **PAGE),
    many(
        "axios around its transport",
        "GET https://api.test/items/{i}",
        by="http.client",
        below=[Sent(HTTP, "GET https://api.test/items/{i}", ms=15)],
        platform="node",
    ),
    many("undici", "GET https://api.test/items/{uuid}", platform="node"),
    many(
        "next.js on the server",
        "GET http://localhost:3000/api/items/{i}",
        way="at once",
        platform="node",
    ),
    many("forwarded ports", "GET http://127.0.0.1:4{i}/items/{i}", platform="go"),
    many("ports of ipv6", "GET http://[::1]:4{i}/items/1", platform="go"),
    many(".net HttpClient", "GET https://api.test/orders/{uuid}", platform="csharp"),
    many("feign", "GET https://api.test/orders/{i}", platform="java"),
    many("go", "GET https://api.test/orders/{i}", platform="go"),
    many("guzzle", "GET https://api.test/orders/{i}", platform="php"),
    many(
        "net/http of ruby",
        "GET https://api.test/orders/{i}",
        by="http.client",
        platform="ruby",
        data={"url": "https://api.test/orders/{i}", "http.request.method": "GET"},
    ),
    many(
        "reqwest",
        "https://api.test/orders/{i}",
        platform="rust",
        data={"http.request.method": "GET", "url.full": "https://api.test/orders/{i}"},
    ),
    many("flutter", "GET https://api.test/orders/{i}", platform="dart", by="http.client"),
    many("codes for ids", "GET https://api.test/products/SKU-{i}-XL"),
    many("ids of stripe", "GET https://api.test/v1/customers/cus_{hex}"),
    many(
        "a template", "GET https://api.test/users/{word}", data={"url.template": "/users/{login}"}
    ),
    many("names for ids", "GET https://api.test/users/{word}"),
    many("grpc", "shop.Stock/GetItem", by="grpc.client", platform="go"),
    many("rpc by its name", "/shop.Stock/GetItem", by="rpc.client", platform="java"),
    many(
        "graphql operations",
        "POST https://api.test/graphql",
        data={"graphql.operation.name": "Item"},
    ),
    many(
        "graphql in the name", "POST https://api.test/graphql (query Item)", **PAGE, way="at once"
    ),
    many(
        "graphql documents",
        "POST https://api.test/graphql",
        data={"graphql.document": "query { item(id: {i}) { name } }"},
        platform="node",
    ),
    many("a write for each row", "POST https://mail.test/v1/messages", times=15),
    many("deletes", "DELETE https://api.test/items/{i}", times=15, way="at once"),
    many("objects of s3", "aws.s3.HeadObject", data={"http.method": "HEAD"}),
    many("a proxy's path", "GET https://gw.test/svc-users/api/accounts/{uuid}/limits"),
    many("odata", "GET https://api.test/Items({i})"),
    many(
        "matrix of parameters",
        "GET https://api.test/rates?base=EUR&quote={word}",
        way="at once",
        **PAGE,
    ),
]
OTHER_CALLS = [
    rightly("polling for a job over http", "GET https://jobs.test/{i}", way="polling"),
    rightly("four calls", "GET https://api.test/items/{i}", times=4),
    rightly("nine at once", "GET https://api.test/items/{i}", times=9, way="at once", **PAGE),
    Shape(
        "a page's own parts",
        [run(1, *(Sent(HTTP, f"GET /api/{part}", ms=30) for part in
                  ("me", "cart", "menu", "flags", "news", "offers", "prices", "texts", "team",
                   "ads", "search")), way="at once")],
        **PAGE,
    ),
    Shape(
        "different services",
        [run(1, *(Sent(HTTP, f"GET http://{host}.test/health", ms=9) for host in "abcdefghijkl"))],
    ),
    rightly("numbered pages", "GET https://api.test/items?page={n}&per_page=100"),
    rightly("pages by a cursor", "GET https://api.test/items", data={
        "http.query": "limit=100&starting_after={hex}"}),
    rightly("offsets", "GET https://api.test/items?$top=100&$skip={i}"),
    rightly("lists of ids", "GET https://api.test/items?ids={i},{n},7", times=6),
    rightly("lists of ids in brackets", "GET https://api.test/items?ids[]={i}&ids[]=3", times=6),
    rightly("batches", "POST https://api.test/batch"),
    rightly("retried calls", "GET https://a.test/b/{i}", data={"http.response.status_code": 503}),
    rightly("failed", "GET https://api.test/items/{i}", status="internal_error"),
    rightly("redirects", "GET https://api.test/go/{i}", data={"http.response.status_code": 302}),
    rightly("parts of a file", "GET https://f.test/big", data={"http.response.status_code": 206}),
    rightly("parts of an upload", "PUT https://files.test/big?uploadId=x&partNumber={n}"),
    rightly("images", "GET https://img.test/photo/{i}.jpg", way="at once", **PAGE),
    rightly("tiles of a map", "GET https://m.test/9/{i}/{n}.png", times=24, way="at once", **PAGE),
    rightly("vector tiles", "GET https://m.test/9/{i}/{n}.pbf", times=24, way="at once", **PAGE),
    rightly("scripts", "GET /assets/chunk-{i}.js", way="at once", **PAGE),
    rightly("languages", "GET /locales/{word}/common.json", way="at once", **PAGE),
    rightly("next.js data", "GET /_next/data/build/items/{i}.json", way="at once", **PAGE),
    rightly("prefetched pages", "GET /items/{i}?_rsc=abc", way="at once", **PAGE),
    rightly("prefetch by its mark", "GET /items/{i}", way="at once",
            data={"http.request.prefetch": True}, **PAGE),
    rightly("preflights", "OPTIONS https://api.test/items/{i}", way="at once", **PAGE),
    rightly("graphql without a name", "POST https://api.test/graphql", way="at once", **PAGE),
    rightly("json-rpc", "POST https://node.test/rpc", times=15),
    rightly("soap", "POST https://erp.test/services/soap", times=15),
    rightly("five writes", "POST https://api.test/orders/{i}/lines", times=5),
    rightly("steps of an agent", "POST https://llm.test/v1/chat/completions", times=7),
    rightly("beacons", "POST https://stats.test/v1/track", times=14, way="at once", **PAGE),
    rightly("its own events", "POST https://o1.ingest.test/api/7/envelope/", times=14, **PAGE),
    rightly("flags", "GET https://app.launchdarkly.com/sdk/evalx/{hex}", way="at once", **PAGE),
    rightly("long polls", "GET https://chat.test/poll?since={i}", way="polling"),
    rightly("streams", "GET https://api.test/live/{i}", by="http.client.stream"),
    rightly("a cache over http", "key:{i}", by="cache.get",
            below=[Sent(HTTP, "GET https://kv.test/{hex}")]),
]  # fmt: skip
