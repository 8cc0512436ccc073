"""Calls of programs that are rightly repeated, as public descriptions show them."""

from tests.performance.shapes.clients import (
    aws,
    cocoa,
    dotnet,
    guzzle,
    java,
    node,
    requests,
    ruby,
    sql,
    undici,
    within,
    wrong,
)
from tests.performance.shapes.shape import Sent, Shape, run

PUBLIC_OTHER_CALLS: list[Shape] = [
    wrong(
        "all tickets of a project",
        run(
            8,
            java(
                "GET",
                "https://acme.atlassian.net/rest/api/3/search"
                "?jql=project=ACME&startAt={n}00&maxResults=100",
                420,
            ),
        ),
        platform="java",
        op="task",
    ),
    wrong(
        "trying again while a service is down",
        run(
            7, requests("POST", "https://api.payments.example/v1/captures", 900, 503), way="polling"
        ),
        run(1, requests("POST", "https://api.payments.example/v1/captures", 420, 201)),
        platform="python",
        op="queue.task.celery",
    ),
    wrong(
        "blocks of a blob",
        run(
            14,
            dotnet(
                "PUT",
                "https://acme.blob.core.windows.net/exports/all.csv?comp=block&blockid={hex}",
                450,
                201,
            ),
        ),
        run(
            1,
            dotnet(
                "PUT", "https://acme.blob.core.windows.net/exports/all.csv?comp=blocklist", 80, 201
            ),
        ),
        platform="csharp",
        op="queue.process",
    ),
    wrong(
        "a token for each tenant",
        run(
            9,
            requests("POST", "https://login.microsoftonline.com/{uuid}/oauth2/v2.0/token", 140),
        ),
        platform="python",
        op="task",
    ),
    wrong(
        "a push message for each iPhone",
        run(25, java("POST", "https://api.push.apple.com/3/device/{hex}", 60), way="at once"),
        platform="java",
        op="queue.process",
    ),
    wrong(
        "waiting for a job in the cluster",
        run(
            10,
            java("GET", "https://10.96.0.1/apis/batch/v1/namespaces/ci/jobs/build-771/status", 22),
            way="polling",
        ),
        platform="java",
        op="task",
    ),
    wrong(
        "parts of a backup",
        run(1, aws("s3", "CreateMultipartUpload", "https://acme-backup.s3.amazonaws.com/db", 40)),
        run(
            10,
            aws(
                "s3",
                "UploadPart",
                "https://acme-backup.s3.amazonaws.com/db?partNumber={n}&uploadId=VXBsb2Fk",
                1400,
            ),
        ),
        run(1, aws("s3", "CompleteMultipartUpload", "https://acme-backup.s3.amazonaws.com/db", 90)),
        platform="python",
        op="queue.task",
    ),
    wrong(
        "chunks of a photo from a phone",
        run(11, cocoa("POST", "https://up.acme.app/uploads/9f8e77/chunks/{n}", 640)),
        platform="cocoa",
        op="ui.action",
    ),
    wrong(
        "orders by cursor",
        run(10, undici("GET", "https://api.shop.example/v1/orders?limit=250&after={hex}", 310)),
        platform="node",
        op="task",
    ),
    wrong(
        "all that an app asks when it starts",
        run(
            1,
            cocoa("POST", "https://api.acme.app/v3/devices", 160),
            cocoa("GET", "https://api.acme.app/v3/config", 110),
            cocoa("GET", "https://api.acme.app/v3/me", 120),
            cocoa("GET", "https://api.acme.app/v3/home", 290),
            cocoa("GET", "https://api.acme.app/v3/inbox/count", 90),
            cocoa("GET", "https://api.acme.app/v3/subscriptions", 140),
            cocoa("GET", "https://api.acme.app/v3/favorites", 130),
            cocoa("GET", "https://api.acme.app/v3/legal/version", 70),
        ),
        platform="cocoa",
        op="ui.load",
    ),
    wrong(
        "pages counted in the path",
        run(9, guzzle("GET", "https://news.example/api/articles/page/{n}", 190)),
        platform="php",
        op="console.command",
    ),
    wrong(
        "a text message for each guest",
        run(
            14,
            requests(
                "POST", "https://api.twilio.com/2010-04-01/Accounts/AC91/Messages.json", 190, 201
            ),
        ),
        platform="python",
        op="queue.task.celery",
    ),
    wrong(
        "articles by offset",
        run(12, guzzle("GET", "https://erp.acme.de/api/articles?offset={n}00&limit=100", 280)),
        platform="php",
        op="console.command",
    ),
    wrong(
        "turns of an agent and its tools",
        run(
            8,
            within(
                "gen_ai.chat",
                "chat gpt-5",
                requests("POST", "https://api.openai.com/v1/chat/completions", 1900),
            ),
            Sent("gen_ai.execute_tool", "execute_tool {word}", {"gen_ai.tool.name": "{word}"}, 120),
        ),
        platform="python",
        op="gen_ai.invoke_agent",
    ),
    wrong(
        "a token that runs out between pages",
        run(1, node("POST", "https://auth.vendor.example/oauth/token", 120)),
        run(7, node("GET", "https://api.vendor.example/v2/bookings?page={n}&size=500", 450)),
        run(1, node("POST", "https://auth.vendor.example/oauth/token", 120)),
        run(1, node("GET", "https://api.vendor.example/v2/bookings?page=8&size=500", 430)),
        platform="node",
        op="task",
    ),
    wrong(
        "a search of every shard",
        run(
            10,
            requests("POST", "http://es-data-{n}.search.internal:9200/_search", 85),
            way="at once",
        ),
        platform="python",
    ),
    wrong(
        "a resumable upload",
        run(
            8,
            node(
                "PUT",
                "https://storage.googleapis.com/upload/storage/v1/b/acme/o"
                "?uploadType=resumable&upload_id=ABPtcPo",
                1100,
                308,
            ),
        ),
        platform="node",
        op="queue.process",
    ),
    wrong(
        "is each customer's site up",
        run(12, ruby("HEAD", "https://www.{word}.example/", 240), way="pool"),
        platform="ruby",
        op="queue.sidekiq",
    ),
    wrong(
        "a page put together from many services",
        run(
            1,
            node("GET", "http://products:3000/products/4711", 45),
            node("GET", "http://prices:3000/prices/4711", 30),
            node("GET", "http://stock:3000/stock/4711", 25),
            node("GET", "http://reviews:3000/reviews?product=4711", 80),
            node("GET", "http://recommend:3000/similar/4711", 120),
            node("GET", "http://shipping:3000/options?product=4711", 65),
            node("GET", "http://media:3000/media/4711", 35),
            node("GET", "http://users:3000/users/12", 28),
            node("GET", "http://campaigns:3000/banners?page=product", 40),
        ),
        platform="node",
    ),
    wrong(
        "many rows and three calls",
        run(
            14,
            sql("SELECT id, title FROM editions WHERE book_id = %s", 3),
        ),
        run(3, requests("GET", "https://covers.example/api/books/{i}", 110)),
        platform="python",
        statements=True,
    ),
    wrong(
        "hooks of many customers",
        run(1, sql("SELECT url, secret FROM hooks WHERE event = %s AND enabled", 4)),
        run(12, requests("POST", "https://{word}.example.com/hooks/acme", 230)),
        platform="python",
        op="queue.task.celery",
    ),
    wrong(
        "a look at each tenant's shop",
        run(
            12,
            node("GET", "https://{word}.myshopify.com/admin/api/2025-07/shop.json", 230),
            way="pool",
        ),
        platform="node",
        op="task",
    ),
    wrong(
        "users by many ids at once",
        run(
            8,
            undici(
                "GET",
                "http://users.svc/users?ids={i},2{i},3{i},4{i},5{i},6{i},7{i},8{i},9{i}",
                95,
            ),
        ),
        platform="node",
        op="queue.process",
    ),
    wrong(
        "all issues of a repository",
        run(
            11,
            ruby(
                "GET", "https://api.github.com/repos/acme/books/issues?per_page=100&page={n}", 330
            ),
        ),
        platform="ruby",
        op="queue.sidekiq",
    ),
    wrong(
        "many parts of one warehouse system",
        run(
            1,
            guzzle("GET", "https://erp.acme.de/api/customers/8812", 120),
            guzzle("GET", "https://erp.acme.de/api/orders?customer=8812", 210),
            guzzle("GET", "https://erp.acme.de/api/invoices/open?customer=8812", 190),
            guzzle("GET", "https://erp.acme.de/api/price-lists/3", 90),
            guzzle("GET", "https://erp.acme.de/api/payment-terms", 60),
            guzzle("GET", "https://erp.acme.de/api/carriers", 70),
            guzzle("GET", "https://erp.acme.de/api/tax-rates/de", 55),
            guzzle("POST", "https://erp.acme.de/api/quotes", 260, 201),
        ),
        platform="php",
    ),
    wrong(
        "scrolling through an index",
        run(1, requests("POST", "http://elasticsearch:9200/books/_search?scroll=2m", 120)),
        run(10, requests("POST", "http://elasticsearch:9200/_search/scroll", 95)),
        platform="python",
        op="queue.task",
    ),
    wrong(
        "waiting for the search engine to be up",
        run(8, guzzle("GET", "http://search:9200/_cluster/health", 20, 503), way="polling"),
        run(1, guzzle("GET", "http://search:9200/_cluster/health", 18)),
        platform="php",
        op="console.command",
    ),
    wrong(
        "feeds of many papers",
        run(11, java("GET", "https://www.{word}-news.example/rss.xml", 340), way="pool"),
        platform="java",
        op="task",
    ),
    wrong(
        "a bot that listens for updates",
        run(
            7,
            requests(
                "GET",
                "https://api.telegram.org/bot[Filtered]/getUpdates?timeout=5&offset={i}",
                5000,
            ),
        ),
        platform="python",
        op="task",
    ),
    # DynamoDB is a database: its look-ups are reported as an N+1, and not a second time as calls.
    wrong(
        "items of a key table one at a time",
        run(20, aws("dynamodb", "GetItem", "https://dynamodb.eu-central-1.amazonaws.com/", 14)),
        platform="python",
        op="function.aws",
        statements=True,
    ),
]
