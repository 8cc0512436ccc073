"""Calls that are rightly repeated, measured before the rules for them were read again."""

from tests.performance.shapes.calls import HTTP, PAGE, rightly
from tests.performance.shapes.fresh_calls import AT_ONCE
from tests.performance.shapes.shape import Sent, Shape, run
from tests.performance.shapes.unseen_calls import CLICK, PHONE, VISIT

SECOND_OTHER_KINDS = [
    rightly(
        "a page of a graphql list",
        "POST https://api.test/graphql (query AllProducts)",
        times=14,
        **VISIT,
    ),
    rightly(
        "s3 pages by rpc",
        "S3.ListObjectsV2",
        by="rpc",
        times=9,
        platform="go",
        data={"rpc.service": "S3", "rpc.method": "ListObjectsV2", "rpc.system": "aws-api"},
    ),
    rightly("parts from the end", "GET https://api.test/archive?before={i}&limit=100", times=9),
    rightly(
        "by day",
        "GET https://api.test/orders?created_min=2026-11-0{n}T00:00:00Z&created_max=2026-11-0{n}T23:59:59Z",
        times=9,
    ),
    rightly(
        "salesforce next",
        "GET https://acme.my.salesforce.com/services/data/v60.0/query/01g0000000000000-{n}000",
        times=9,
        platform="java",
    ),
    rightly("odata next", "GET https://sap.test/odata/Items?$skip={n}00&$top=100", times=9),
    rightly("x of y", "GET https://api.test/export?chunk={n}&of=9", times=9),
    rightly("page in two params", "GET https://api.test/items?page={n}&offset={n}00", times=9),
    rightly("pool of pages", "GET https://api.test/items?page={n}", times=12, way="pool"),
    rightly(
        "pages at once",
        "GET https://api.test/items?_start={n}00&_limit=100",
        times=12,
        way="at once",
    ),
    rightly(
        "range header names",
        "GET https://f.test/model.safetensors",
        times=9,
        data={"http.request.header.range": ["bytes=0-1"]},
    ),
    rightly("chunk posts", "POST https://up.test/upload/abc/part/{n}", times=14, platform="php"),
    rightly("put chunk ids", "PUT https://up.test/files/9/blocks/{n}", times=14, platform="go"),
    rightly(
        "gcs chunk",
        "PUT https://storage.googleapis.com/upload/storage/v1/b/a/o?uploadType=resumable&upload_id=x",
        times=14,
        platform="go",
        data={"http.response.status_code": 200},
    ),
    rightly(
        "youtube upload",
        "POST https://www.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&upload_id=x",
        times=14,
    ),
    rightly("slack file", "POST https://files.slack.com/upload/v1/{hex}", times=14),
    rightly("line push", "POST https://api.line.me/v2/bot/message/push", times=14),
    rightly(
        "teams",
        "POST https://acme.webhook.office.com/webhookb2/{uuid}/IncomingWebhook/{hex}/{uuid}",
        times=14,
        platform="csharp",
    ),
    rightly("zapier", "POST https://hooks.zapier.com/hooks/catch/{i}/{word}", times=14),
    rightly(
        "google chat",
        "POST https://chat.googleapis.com/v1/spaces/{hex}/messages?key=a&token=b",
        times=14,
    ),
    rightly(
        "apns sandbox",
        "POST https://api.sandbox.push.apple.com:443/3/device/{hex}",
        times=14,
        platform="go",
    ),
    rightly("safari push", "POST https://web.push.apple.com/{hex}{hex}", times=14),
    rightly("plivo", "POST https://api.plivo.com/v1/Account/AC/Message/", times=14),
    rightly("mms", "POST https://messages.acme-sms.test/send", times=14),
    rightly(
        "status until done",
        "GET https://api.replicate.com/v1/predictions/{i}",
        way="polling",
        times=9,
    ),
    rightly("one build in a tight loop", "GET https://ci.test/builds/9/status", times=9),
    rightly(
        "k8s watch",
        "GET https://10.0.0.1/api/v1/pods?watch=true&resourceVersion={i}",
        times=9,
        platform="go",
    ),
    rightly("sse again", "GET https://api.test/stream", times=4),
    rightly("sitemaps", "GET https://a.test/sitemaps/{n}.xml.gz", times=9),
    rightly("feature flags", "POST https://flags.test/client/metrics", times=14, **PAGE),
    rightly("statsig", "POST https://featuregates.statsig.com/v1/rgstr", times=14, **PAGE),
    rightly(
        "ga4 server", "POST https://www.google-analytics.com/mp/collect?measurement_id=G", times=14
    ),
    rightly("datadog logs", "POST https://http-intake.logs.datadoghq.eu/api/v2/logs", times=14),
    rightly("splunk", "POST https://splunk:8088/services/collector/event", times=14),
    rightly(
        "bulk of salesforce",
        "POST https://acme.my.salesforce.com/services/data/v60.0/composite/sobjects",
        times=14,
    ),
    rightly("stripe batches", "POST https://search.test/documents/import", times=14),
    rightly(
        "typesense",
        "POST https://ts.test/collections/books/documents/import?action=upsert",
        times=14,
    ),
    rightly("algolia batch", "POST https://a.algolia.net/1/indexes/books/batch", times=14),
    rightly(
        "bigquery",
        "POST https://bigquery.googleapis.com/bigquery/v2/projects/p/datasets/d/tables/t/insertAll",
        times=14,
    ),
    rightly(
        "firestore commit",
        "POST https://firestore.googleapis.com/v1/projects/p/databases/d/documents:batchWrite",
        times=14,
    ),
    rightly(
        "sheets",
        "POST https://sheets.googleapis.com/v4/spreadsheets/a/values:batchUpdate",
        times=14,
    ),
    rightly("kafka rest", "POST http://kafka-rest:8082/topics/orders", times=8),
    rightly("anthropic", "POST https://api.anthropic.com/v1/messages", times=14),
    rightly(
        "openai responses", "POST https://api.openai.com/v1/responses", times=14, platform="node"
    ),
    rightly(
        "azure openai",
        "POST https://acme.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=1",
        times=14,
        platform="csharp",
    ),
    rightly("ollama", "POST http://ollama:11434/api/chat", times=14),
    rightly(
        "vertex",
        "POST https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/gemini:streamGenerateContent",
        times=14,
    ),
    rightly(
        "bedrock by boto",
        "aws.bedrock-runtime.Converse",
        times=14,
        data={"rpc.service": "bedrock-runtime", "rpc.method": "Converse"},
    ),
    rightly(
        "roles of accounts",
        "aws.sts.AssumeRole",
        times=14,
        data={"rpc.service": "sts", "rpc.method": "AssumeRole"},
    ),
    rightly(
        "each region", "GET http://cloud/api/regions/{word}-west/usage", times=11, platform="go"
    ),
    rightly(
        "each shard by query", "GET http://search/api/query?shard={n}&q=a", times=11, way="at once"
    ),
    rightly("each host", "GET http://node-{n}.cluster.local:9100/metrics", times=11),
    rightly("lottie", "GET /anim/{word}.lottie", times=11, **AT_ONCE),
    rightly("imgix", "GET https://acme.imgix.net/{hex}?w=200&auto=format", times=14, **AT_ONCE),
    rightly("maps by quadkey", "GET https://t.test/a?quadkey=12{i}", times=14, **AT_ONCE),
    rightly(
        "tiles on phone", "GET https://tile.test/9/{i}/{n}.png", times=14, way="at once", **PHONE
    ),
    rightly(
        "image of an app",
        "GET https://api.test/photos/{i}/thumb.jpg",
        times=14,
        way="at once",
        **PHONE,
    ),
    rightly(
        "prefetch by header",
        "GET /books/{i}",
        times=14,
        data={"http.request.header.purpose": "prefetch"},
        **AT_ONCE,
    ),
    rightly(
        "sec purpose",
        "GET /books/{i}",
        times=14,
        data={"http.request.header.sec-purpose": "prefetch;prerender"},
        **AT_ONCE,
    ),
    rightly(
        "next router",
        "GET /books/{i}",
        times=14,
        data={"http.request.header.next-router-prefetch": "1"},
        **AT_ONCE,
    ),
    rightly("retry then ok", "POST https://pay.test/captures", times=8, status="unavailable"),
    rightly("deadline", "/shop.Stock/Get", by="grpc.client", times=8, status="deadline_exceeded"),
    rightly(
        "service worker cache",
        "GET /api/items/{i}",
        times=12,
        data={"http.response_delivery_type": "cache"},
        **AT_ONCE,
    ),
    rightly(
        "urlcache",
        "GET https://api.test/items/{i}",
        times=12,
        data={"http.from_cache": True},
        **PHONE,
    ),
    rightly("hazelcast", "cache.get", by="cache.get_item", times=12),
    rightly(
        "a poller of mail",
        "GET https://gmail.googleapis.com/gmail/v1/users/me/history?startHistoryId={i}",
        times=9,
    ),
    rightly("rpc of chains", "POST https://mainnet.infura.io/v3/{hex}", times=9),
    rightly("the same in graphql", "POST https://api.github.com/graphql", times=14),
    rightly("cors", "OPTIONS /api/items/{i}", times=14, **AT_ONCE),
    rightly(
        "oauth device", "POST https://github.com/login/oauth/access_token", times=9, way="polling"
    ),
    Shape(
        "type ahead in a path",
        [run(1, *(Sent(HTTP, f"GET /api/search/{'lighthouse'[:n]}", ms=40) for n in range(2, 10)))],
        **CLICK,
    ),
]
