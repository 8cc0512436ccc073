"""Calls that come near to those that are rightly repeated, and need not be."""

from tests.performance.shapes.calls import HTTP, PAGE, many
from tests.performance.shapes.shape import Sent, Shape, run
from tests.performance.shapes.unseen_calls import CLICK, VISIT

KINDS_OF_CALLS = [
    # near to what takes a call of its own, and is none of it
    many(
        "boto and its queue",
        "aws.sqs.SendMessage",
        times=15,
        data={
            "http.url": "https://sqs.eu-west-1.amazonaws.com/",
            "http.method": "POST",
            "rpc.service": "sqs",
            "rpc.method": "SendMessage",
        },
    ),
    many(
        "a secret for each tenant",
        "aws.secretsmanager.GetSecretValue",
        times=12,
        data={
            "http.url": "https://secretsmanager.eu-west-1.amazonaws.com/",
            "http.method": "POST",
            "rpc.service": "secretsmanager",
            "rpc.method": "GetSecretValue",
        },
    ),
    many(
        "objects deleted each",
        "S3/DeleteObject",
        times=14,
        by="rpc",
        platform="java",
        data={"rpc.system": "aws-api", "rpc.service": "S3", "rpc.method": "DeleteObject"},
    ),
    many(
        "tags of each function",
        "aws.lambda.ListTagsForResource",
        times=8,
        data={"rpc.service": "lambda", "rpc.method": "ListTagsForResource"},
    ),
    many(
        "parts of machines",
        "GET https://parts.test/search?part=BX-{i}&limit=1",
        times=9,
        platform="csharp",
    ),
    many("posts by number", "GET https://blog.test/?p={i}", times=9, platform="php"),
    many(
        "pages of a site by id",
        "GET https://wp.test/wp-json/wp/v2/pages/{i}",
        times=9,
        platform="php",
    ),
    many("one id in a list", "GET http://users/api/users?ids={i}", times=9, platform="go"),
    many(
        "what is expanded",
        "GET https://api.stripe.com/v1/invoices/in_{hex}?expand[]=customer&expand[]=lines",
        times=9,
        platform="ruby",
    ),
    many("fields of each", "GET https://graph.test/{i}?fields=id,name", times=9, platform="php"),
    many("comments of posts", "GET https://api.test/comments?post={i}&limit=50", times=9),
    many("days of a calendar", "GET /api/calendar/2026/11/{n}", way="at once", times=14, **VISIT),
    many("answers to events", "POST /api/events/{i}/rsvp", times=14, **CLICK),
    many("mails each", "POST https://api.postmarkapp.com/email", times=14, platform="ruby"),
    many("expo one by one", "POST https://exp.host/--/api/v2/push/send", times=14, platform="node"),
    many(
        "onesignal one by one",
        "POST https://onesignal.com/api/v1/notifications",
        times=14,
        platform="php",
    ),
    many(
        "the token again and again",
        "POST https://sso.test/realms/shop/oauth/token",
        times=14,
        platform="java",
    ),
    many(
        "chapters of a book",
        "GET https://books.test/books/77/chapters/{n}",
        times=14,
        platform="node",
    ),
    many("routes on a map", "GET https://geo.test/route?from=52.5{i},13.4&to=48.1,11.6", times=8),
    many(
        "texts by embedding", "POST https://api.openai.com/v1/embeddings", times=20, platform="node"
    ),
    many(
        "grpc in .net",
        "/shop.v1.Prices/GetPrice",
        by="grpc.client",
        times=6,
        platform="csharp",
        data={"rpc.system": "grpc", "rpc.method": "GetPrice", "rpc.service": "shop.v1.Prices"},
    ),
    Shape(
        "tags of a list of articles",
        [
            run(1, Sent(HTTP, "GET /api/articles?page=1", ms=90)),
            run(7, Sent(HTTP, "GET /api/articles/{i}/tags", ms=50), way="at once"),
        ],
        calls=True,
        **PAGE,
    ),
    Shape(
        "lines of each order, gathered",
        [
            run(1, Sent(HTTP, "GET https://erp.test/orders.json?day=1", ms=90)),
            run(
                6, Sent(HTTP, "GET https://erp.test/orders/{hex}/lines.json", ms=50), way="at once"
            ),
        ],
        calls=True,
    ),
    Shape(
        "one tool with a loop",
        [
            run(
                1,
                Sent(
                    "gen_ai.execute_tool",
                    "execute_tool stock",
                    below=[
                        Sent(HTTP, f"GET https://shop.test/stock/{n}", ms=9)
                        for n in range(900, 912)
                    ],
                ),
            )
        ],
        calls=True,
    ),
    Shape(
        "stars and their owners",
        [run(11, Sent(HTTP, "GET https://git.test/api/repos/{word}/x-{word}", ms=40))],
        calls=True,
        platform="node",
    ),
]
