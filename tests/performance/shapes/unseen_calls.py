"""Calls that were written down before their author had read the detectors: a round of its own."""

from typing import Any

from tests.performance.shapes.calls import HTTP, PAGE, many, rightly
from tests.performance.shapes.shape import Sent, Shape, run

CLICK: dict[str, Any] = {"platform": "javascript", "op": "ui.action.click"}
VISIT: dict[str, Any] = {"platform": "javascript", "op": "navigation"}
PHONE: dict[str, Any] = {"platform": "java", "op": "ui.load"}
FIRESTORE = "https://firestore.googleapis.com/v1/projects/shop/databases/(default)/documents"

REPEATED = [
    many("urllib3", "GET https://crm.test/v3/contacts/{i}/notes"),
    many("got", "GET https://inventory.internal:8443/skus/{word}-{i}/stock", platform="node"),
    many("okhttp again", "GET https://api.shop.test/v2/products/{i}/reviews", way="at once",
         **PHONE),
    many("urlsession again", "GET https://api.test/feed/items/{uuid}", way="at once",
         platform="cocoa", op="ui.load"),
    many("web client of spring", "GET", platform="java", data={
        "http.request.method": "GET", "url.full": "https://ledger.test/accounts/{i}/balance"}),
    many("requests by opentelemetry", "GET", data={
        "http.method": "GET", "http.url": "https://ledger.test/accounts/{i}/owner"}),
    many("a server and a path apart", "GET", platform="go", data={
        "http.request.method": "GET", "server.address": "ledger.test", "url.path": "/books/{i}"}),
    many("finch", "GET https://geo.test/v1/places/{hex}", platform="elixir"),
    many("http of laravel", "GET https://pay.test/charges/ch_{hex}", platform="php"),
    many("wp_remote_get", "GET https://wp.test/wp-json/wc/v3/products/{i}/variations",
         platform="php", data={"http.query": "per_page=100"}),
    many("documents by id", "GET http://es.test:9200/products/_doc/{i}"),
    many("whole objects of s3", "aws.s3.GetObject", data={"http.method": "GET"}),
    many("a message of sqs for each row", "aws.sqs.SendMessage", times=20),
    many("people of a chat", "POST https://slack.com/api/users.info", times=15),
    many("firestore again", "GET " + FIRESTORE + "/users/{hex}", platform="node"),
    many("assignees of tickets", "GET /api/tickets/{i}/assignee", times=14, way="at once", **VISIT),
    many("a cart is emptied", "DELETE /api/cart/items/{i}", way="at once", **CLICK),
    many("all are ticked", "PATCH /api/todos/{i}", **CLICK),
    many("a code is looked up", "GET https://api.test/lookup?code={word}", times=16,
         way="at once", **PAGE),
    many("grpc of .net", "/inventory.v1.Inventory/GetStock", by="rpc", platform="csharp", data={
        "rpc.system": "grpc", "rpc.service": "inventory.v1.Inventory", "rpc.method": "GetStock"}),
    many("grpc in a pool", "inventory.Inventory/GetPrice", by="grpc.client", times=16, way="pool",
         platform="ruby"),
    many("twirp again", "POST https://svc.test/twirp/acme.billing.Billing/GetInvoice", times=15,
         platform="go"),
    many("trpc", "GET /api/trpc/user.byId?input=%7B%22id%22%3A{i}%7D", way="at once", **PAGE),
    many("graphql in the query", "GET https://api.test/graphql?operationName=Avatar"
         "&variables=%7B%22id%22%3A{i}%7D", way="at once", **PAGE),
    many("apollo on a phone", "query GetAvatar", by="http.graphql.query", times=8,
         data={"operationName": "GetAvatar"}, **PHONE),
    many("secrets", "GET https://vault.test/v1/secret/data/{word}", platform="go"),
    many("keys of consul", "GET http://consul.test:8500/v1/kv/config/{word}", platform="go"),
    many("addresses", "GET https://maps.test/geocode/json?address={word}&key=abc", times=10),
    many("a rate for each day", "GET https://fx.test/rates/2026-10-1{n}", times=9),
    many("languages of repositories", "GET https://api.github.com/repos/acme/{word}/languages"),
    many("states of pods", "GET https://10.0.0.1/api/v1/namespaces/prod/pods/web-{hex}/status",
         platform="go"),
    many("lines of invoices", "GET https://api.stripe.com/v1/invoices/in_{hex}/lines",
         platform="php"),
    many("documents are indexed", "PUT https://search.test/index/docs/{i}", times=20,
         op="queue.task"),
    Shape("a function around each", [run(10, Sent("function", "enrich", ms=21, below=[
        Sent(HTTP, "GET https://crm.test/people/{i}", ms=20)]))], calls=True),
    Shape("two for each row", [run(8, Sent(HTTP, "GET https://iam.test/users/{i}", ms=20),
                                   Sent(HTTP, "GET https://iam.test/users/{i}/roles", ms=20))],
          calls=True),
    many("a pool of threads", "GET https://media.test/v1/exif/{hex}", times=16, way="pool"),
    many("what is expanded stays", "GET https://api.test/users/{i}?expand=team&v=2",
         platform="ruby"),
    many("a number at the end of a word", "GET https://api.test/node{i}/load", platform="node"),
    many("two ids again", "GET https://api.test/orgs/{n}/seats/{uuid}/usage", platform="csharp"),
]  # fmt: skip
RIGHT = [
    rightly("after an id", "GET https://api.test/events?after_id={i}&limit=500"),
    rightly("pages in an order", "GET https://git.test/api/v4/projects", data={
        "http.query": "page={n}&order_by=id"}, platform="ruby"),
    rightly("skip tokens", "GET https://graph.test/v1.0/users?$skiptoken={hex}",
            platform="csharp"),
    rightly("history by a cursor",
            "GET https://slack.com/api/conversations.history?channel=C1&cursor={hex}"),
    rightly("windows of time", "GET https://api.test/orders?from={i}&to={i}"),
    rightly("an id several times", "GET https://api.test/users?id={i}&id={n}&id=9", times=6),
    rightly("a filter by ids", "GET https://api.test/users?filter[id]={i},{n},5", times=6),
    rightly("in a list of odata", "GET https://api.test/Items?$filter=Id in ({i},{n})", times=6),
    rightly("bulk again", "POST http://es.test:9200/_bulk", times=15),
    rightly("batches of google", "POST https://api.test/v2/events:batchCreate", times=15),
    rightly("batches of sqs", "aws.sqs.SendMessageBatch"),
    rightly("batches of dynamodb again", "aws.dynamodb.BatchGetItem"),
    rightly("parts of s3", "aws.s3.UploadPart"),
    rightly("lists of s3", "aws.s3.ListObjectsV2"),
    rightly("messages are waited for", "aws.sqs.ReceiveMessage", way="polling"),
    rightly("too many requests", "GET https://api.test/items/{i}", data={
        "http.response.status_code": 429}),
    rightly("every machine", "GET http://10.0.3.{n}:9100/metrics", platform="go"),
    rightly("hooks of customers", "POST https://{word}.customer.test/hooks", times=12),
    rightly("links are tried", "HEAD https://{word}.test/", platform="php"),
    rightly("fonts again", "GET /fonts/inter-{n}.woff2", way="at once", **PAGE),
    rightly("parts of a film", "GET https://video.test/stream/seg-{n}.ts", **PAGE),
    rightly("parts of a film, mp4", "GET https://cdn.test/v/77/chunk_{n}.m4s", **VISIT),
    rightly("tus", "PATCH https://up.test/files/24e533e02ec3", times=15, **CLICK),
    rightly("resumed uploads", "PUT https://storage.test/upload/session-1", times=15, data={
        "http.response.status_code": 308}),
    rightly("tiles without an ending", "GET https://tiles.test/styles/v1/acme/tiles/512/9/{i}/{n}",
            times=24, way="at once", **PAGE),
    rightly("avatars again", "https://gravatar.test/avatar/{hex}?s=40", by="resource.img", times=24,
            way="at once", **PAGE),
    rightly("translations again", "GET /static/translations/de/{word}.json", way="at once", **PAGE),
    rightly("analytics", "POST https://www.google-analytics.com/g/collect?v=2&_p={i}", times=14,
            **PAGE),
    rightly("tracking", "POST https://api.segment.io/v1/t", times=14, way="at once", **VISIT),
    rightly("a tunnel for errors", "POST /monitoring?o=450&p=45", times=14, **PAGE),
    rightly("an agent thinks", "POST https://api.anthropic.com/v1/messages", times=8),
    rightly("somebody types", "GET /api/suggest?q={word}", way="polling", **CLICK),
    rightly("socket.io", "GET /socket.io/?EIO=4&transport=polling&t={hex}&sid=abc", times=14,
            way="polling", **PAGE),
    rightly("a job is waited for", "GET https://render.test/jobs/77/status", way="polling"),
    rightly("modules", "GET https://cdn.test/assets/{word}.{hex}.mjs", way="at once", **PAGE),
    rightly("nuxt", "GET /products/{i}/_payload.json", way="at once", **PAGE),
    rightly("sveltekit", "GET /items/{i}/__data.json?x-sveltekit-invalidated=01", way="at once",
            **PAGE),
    rightly("gatsby", "GET /page-data/{word}/page-data.json", way="at once", **PAGE),
    rightly("remix", "GET /items/{i}?_data=routes%2Fitems", way="at once", **PAGE),
    rightly("health of grpc", "/grpc.health.v1.Health/Check", by="grpc.client", way="polling",
            platform="go"),
    rightly("batches of grpc", "/inventory.v1.Inventory/BatchGetStock", by="grpc.client", times=6,
            platform="java"),
    rightly("a query by pages", "POST https://api.notion.test/v1/databases/abc/query", times=8,
            platform="node"),
]  # fmt: skip
OF_A_DATABASE = Shape(
    "items of dynamodb", [run(12, Sent(HTTP, "aws.dynamodb.GetItem", ms=20))], statements=True
)
UNSEEN_CALLS = (*REPEATED, *RIGHT, OF_A_DATABASE)
