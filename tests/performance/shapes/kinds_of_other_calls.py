"""Calls of each kind that is rightly repeated, of many services."""

from tests.performance.shapes.calls import HTTP, PAGE, rightly
from tests.performance.shapes.fresh_calls import AT_ONCE
from tests.performance.shapes.shape import Sent, Shape, run
from tests.performance.shapes.unseen_calls import CLICK, PHONE

KINDS_OF_OTHER_CALLS = [
    rightly(
        "put in parts by the aws sdk",
        "S3.UploadPart",
        times=14,
        by="rpc",
        platform="node",
        data={
            "rpc.system": "aws-api",
            "rpc.service": "S3",
            "rpc.method": "UploadPart",
            "http.method": "PUT",
        },
    ),
    rightly(
        "copied in parts",
        "aws.s3.UploadPartCopy",
        times=14,
        data={
            "http.url": "https://b.s3.amazonaws.com/big?partNumber={n}&uploadId=q",
            "http.method": "PUT",
            "rpc.service": "s3",
            "rpc.method": "UploadPartCopy",
        },
    ),
    rightly(
        "chunks by their index",
        "POST https://up.test/api/upload/finish?uploadId=q&chunkIndex={n}",
        times=14,
        **CLICK,
    ),
    rightly(
        "twitter media",
        "POST https://upload.twitter.com/1.1/media/upload.json?command=APPEND&media_id=1&segment_index={n}",
        times=14,
        platform="node",
    ),
    rightly(
        "facebook video",
        "POST https://graph-video.facebook.com/v19.0/me/videos?upload_phase=transfer&upload_session_id=1&start_offset={i}",
        times=14,
        platform="php",
    ),
    rightly(
        "blocks appended",
        "PUT https://a.blob.core.windows.net/c/log?comp=appendblock",
        times=14,
        platform="csharp",
    ),
    rightly(
        "onedrive",
        "PUT https://sn3302.up.1drv.com/up/fe6987415ace7X4e1eF866337",
        times=14,
        data={"http.response.status_code": 202},
        platform="csharp",
    ),
    rightly(
        "box",
        "PUT https://upload.box.com/api/2.0/files/upload_sessions/F971964745A5CD0C001BBE4E58196BFD",
        times=14,
        platform="java",
    ),
    rightly(
        "backblaze",
        "POST https://pod-000-1016-09.backblaze.com/b2api/v2/b2_upload_part/4_ze73ed/0037",
        times=14,
        platform="go",
    ),
    rightly(
        "tus in several parts",
        "PATCH https://tus.test/files/{hex}",
        times=14,
        data={"http.request.header.content-type": "application/offset+octet-stream"},
        **CLICK,
    ),
    rightly(
        "layers of an image",
        "PATCH https://registry.test/v2/shop/blobs/uploads/7c9e",
        times=14,
        data={"http.response.status_code": 202},
        platform="go",
    ),
    rightly(
        "photos to a store",
        "PUT https://b.s3.amazonaws.com/photos/{uuid}?X-Amz-Signature=abc&X-Amz-Expires=900",
        times=14,
        way="at once",
        **PHONE,
    ),
    rightly(
        "files of a form",
        "POST /api/uploads",
        times=14,
        way="at once",
        data={"http.request.header.content-type": "multipart/form-data; boundary=x"},
        **CLICK,
    ),
    rightly(
        "ranges without a status",
        "GET https://f.test/film",
        times=9,
        data={"http.request.header.range": "bytes=0-99"},
        platform="go",
    ),
    rightly("pieces by range", "GET https://f.test/film?range={i}-{i}", times=9, platform="go"),
    rightly(
        "big answers",
        "GET https://api.test/exports/{i}/content",
        data={"http.response.body.size": 5_000_000},
        platform="go",
    ),
    rightly(
        "rows in big bodies",
        "POST https://crm.test/contacts",
        times=15,
        data={"http.request.body.size": 220_000},
        platform="php",
    ),
    rightly(
        "android by fcm",
        "POST https://fcm.googleapis.com/v1/projects/shop/messages:send",
        times=20,
        way="at once",
    ),
    rightly(
        "web push",
        "POST https://updates.push.services.mozilla.com/wpush/v2/{hex}",
        times=20,
        way="at once",
        platform="node",
        data={"http.response.status_code": 201},
    ),
    rightly(
        "web push to chrome",
        "POST https://fcm.googleapis.com/fcm/send/{hex}",
        times=20,
        platform="ruby",
    ),
    rightly(
        "windows push",
        "POST https://db5.notify.windows.com/w/?token={hex}",
        times=20,
        platform="csharp",
    ),
    rightly("slack channels", "POST https://slack.com/api/chat.postMessage", times=15),
    rightly(
        "slack hooks",
        "POST https://hooks.slack.com/services/T0/B0/{hex}",
        times=15,
        platform="node",
    ),
    rightly(
        "discord hooks",
        "POST https://discord.com/api/webhooks/{i}/{hex}",
        times=15,
        platform="node",
    ),
    rightly(
        "whatsapp", "POST https://graph.facebook.com/v19.0/1055/messages", times=15, platform="php"
    ),
    rightly("vonage", "POST https://rest.nexmo.com/sms/json", times=15, platform="ruby"),
    rightly("sms of aws", "POST https://sms.acme.test/v1/send", times=15, platform="java"),
    rightly(
        "from a cache on disk",
        "GET https://api.test/items/{i}",
        data={"http.response.from_cache": True},
    ),
    rightly(
        "kept by the browser",
        "GET /api/items/{i}",
        data={"http.response_transfer_size": 0, "http.decoded_response_content_length": 900},
        **AT_ONCE,
    ),
    Shape(
        "from memory at once",
        [run(14, Sent(HTTP, "GET /api/items/{i}", ms=0.4), way="at once")],
        **PAGE,
    ),
    Shape(
        "kept on the phone",
        [run(9, Sent(HTTP, "GET https://api.test/items/{i}", ms=0.4))],
        platform="java",
        op="ui.load",
    ),
    rightly(
        "not modified yet", "GET https://api.test/feed", data={"http.response.status_code": 304}
    ),
    rightly(
        "not ready yet", "GET https://api.test/exports/7", data={"http.response.status_code": 202}
    ),
    rightly(
        "consul waits",
        "GET http://consul:8500/v1/kv/leader?index={i}&wait=30s",
        times=7,
        platform="go",
    ),
    rightly("long polls answer", "GET https://chat.test/v1/updates?timeout=30", times=7),
    Shape(
        "slow answers are waited for",
        [run(6, Sent(HTTP, "GET https://jobs.test/v1/jobs/9", ms=1800), way="polling")],
    ),
    rightly(
        "pages by rows", "GET https://api.test/v1/rows?startRow={n}01&rowCount=100", platform="java"
    ),
    rightly(
        "an unknown name of pages",
        "GET https://api.test/v1/rows?ab={n}00&limit=100",
        platform="java",
    ),
    rightly(
        "iDisplayStart",
        "GET https://old.test/grid?iDisplayStart={n}0&iDisplayLength=10",
        platform="php",
    ),
    rightly("seiten", "GET https://shop.test/artikel?seite={n}", platform="php"),
    rightly(
        "k8s lists", "GET https://10.0.0.1/api/v1/pods?limit=500&continue={hex}", platform="go"
    ),
    rightly("deltas", "GET https://graph.test/v1.0/me/delta?$deltatoken={hex}", platform="csharp"),
    rightly("next link", "GET https://api.test/v1/items?bookmark={hex}", platform="ruby"),
    rightly(
        "dropbox lists", "POST https://api.dropboxapi.com/2/files/list_folder/continue", times=14
    ),
    rightly(
        "graphql pages",
        "POST https://api.test/graphql",
        times=14,
        data={"graphql.operation.name": "OrdersPage"},
        platform="node",
    ),
    rightly("lists in the path", "GET https://quotes.test/v1/quotes/{word},AB{i},MSFT", times=7),
    rightly("semicolons", "GET https://api.stackexchange.com/2.3/users/{i};{n};7", times=7),
    rightly("ids by plus", "GET https://api.test/v1/users?ids={i}+{n}+7", times=7),
    Shape(
        "typed letters",
        [
            run(
                1,
                *(
                    Sent(HTTP, f"GET /api/suggest?q={'lighthouse'[:n]}", ms=40)
                    for n in range(2, 10)
                ),
            )
        ],
        **CLICK,
    ),
    rightly(
        "tokens of many tenants",
        "POST https://login.microsoftonline.com/{uuid}/oauth2/v2.0/token",
        times=14,
        platform="java",
    ),
    rightly(
        "partitions of a topic",
        "GET http://kafka:8082/topics/orders/partitions/{n}/offsets",
        platform="java",
    ),
    rightly(
        "health through a gateway",
        "GET http://gw/services/{word}/health",
        way="at once",
        platform="go",
    ),
    Shape(
        "an agent with many turns",
        [
            run(
                14,
                Sent(
                    "gen_ai.chat",
                    "chat m",
                    below=[Sent(HTTP, "POST https://llm.test/x/run", ms=900)],
                ),
            )
        ],
    ),
    Shape(
        "a tool in each turn",
        [
            run(
                12,
                Sent("gen_ai.chat", "chat m", ms=300),
                Sent(
                    "gen_ai.execute_tool",
                    "execute_tool weather",
                    below=[Sent(HTTP, "GET https://weather.test/v1/{i}", ms=90)],
                ),
            )
        ],
    ),
    rightly(
        "gemini",
        "POST https://generativelanguage.googleapis.com/v1beta/models/gemini-2:generateContent",
        times=14,
        platform="node",
    ),
    rightly("mcp", "POST https://tools.test/mcp", times=14, platform="node"),
    rightly("tiles by query", "GET https://m.test/tile?x={i}&y=4&z=9", times=20, **AT_ONCE),
    rightly("wms", "GET https://m.test/wms?service=WMS&bbox={i},2,3,4", times=20, **AT_ONCE),
    rightly(
        "pictures on a phone",
        "GET https://img.acme.test/p/{hex}?w=320",
        times=20,
        way="at once",
        **PHONE,
    ),
    rightly("models", "GET /models/{word}.gltf", times=12, **AT_ONCE),
    rightly("segment of a site", "POST https://api.segment.io/v1/batch", times=12, **AT_ONCE),
    rightly("posthog", "POST https://eu.i.posthog.com/i/v0/e/?ip=1", times=12, **AT_ONCE),
    rightly("heap", "GET https://heapanalytics.com/h?a=1&u={i}", times=12, **AT_ONCE),
]
