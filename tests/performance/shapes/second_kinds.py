"""Calls that need not be repeated, measured before the rules for them were read again."""

from tests.performance.shapes.calls import HTTP, many
from tests.performance.shapes.shape import Sent, Shape, run
from tests.performance.shapes.unseen_calls import CLICK, PHONE, VISIT

SECOND_KINDS = [
    many(
        "eight on the server",
        "GET http://users/api/users/{i}",
        times=8,
        way="at once",
        platform="node",
    ),
    many("searches with a timeout", "GET http://es/items/_search?timeout=2s&q={word}", times=9),
    many("cities of regions", "GET https://geo.test/regions/{i}/cities", times=9),
    many(
        "signed requests of one bank",
        "GET https://bank.test/accounts/{i}?signature=ab{i}&timestamp=1{i}",
        times=9,
    ),
    many(
        "applications of a service",
        "GET https://api.newrelic.com/v2/applications/{i}.json",
        times=9,
        platform="ruby",
    ),
    many("one page of each", "GET https://api.test/users/{i}/posts?page=1&per_page=5", times=9),
    many(
        "members of each team",
        "GET https://api.github.com/teams/{i}/members?per_page=100",
        times=9,
        platform="ruby",
    ),
    many(
        "files of each pull",
        "GET https://api.github.com/repos/acme/shop/pulls/{i}/files",
        times=9,
        platform="node",
    ),
    many(
        "weather by place",
        "GET https://api.open-meteo.com/v1/forecast?latitude=52.{i}&longitude=13.{i}",
        times=9,
    ),
    many("elevations", "GET https://elev.test/lookup?locations=52.{i},13.4", times=9),
    many("isbn", "GET https://openlibrary.test/isbn/978{i}.json", times=9, platform="php"),
    many(
        "books by isbn in the query",
        "GET https://www.googleapis.com/books/v1/volumes?q=isbn:978{i}",
        times=9,
    ),
    many(
        "odata by key",
        "GET https://sap.test/sap/opu/odata/A_Product('MAT{i}')",
        times=9,
        platform="java",
    ),
    many(
        "filter of odata",
        "GET https://sap.test/odata/Items?$filter=Id eq {i}",
        times=9,
        platform="csharp",
    ),
    many(
        "a lookup in airtable",
        "GET https://api.airtable.com/v0/app1/Orders/rec{hex}",
        times=9,
        platform="node",
    ),
    many(
        "rows added to airtable",
        "POST https://api.airtable.com/v0/app1/Orders",
        times=14,
        platform="node",
    ),
    many(
        "kv of a worker",
        "GET https://api.cloudflare.com/client/v4/accounts/a/storage/kv/namespaces/b/values/{word}-{i}",
        times=9,
    ),
    many("issues closed", "PATCH https://api.github.com/repos/acme/shop/issues/{i}", times=14),
    many("labels added", "POST https://api.github.com/repos/acme/shop/issues/{i}/labels", times=14),
    many(
        "events put in a calendar",
        "POST https://www.googleapis.com/calendar/v3/calendars/primary/events",
        times=14,
    ),
    many(
        "metrics of each host",
        'GET http://prom:9090/api/v1/query?query=up{instance="h{i}"}',
        times=9,
        platform="go",
    ),
    many("logs of each build", "GET https://ci.test/builds/{i}/logs", times=9),
    many(
        "xhr of status of each order",
        "GET /api/orders/{i}/status",
        times=12,
        way="at once",
        **VISIT,
    ),
    many("health of each node by id", "GET http://cmdb/hosts/{i}/facts", times=9),
    many("versions of packages", "GET https://pypi.org/pypi/{word}/json", times=11),
    many("a user's avatar address", "GET https://api.test/users/{i}/avatar-url", times=9),
    many(
        "translate each", "POST https://translation.googleapis.com/language/translate/v2", times=14
    ),
    many(
        "geocode each",
        "GET https://maps.googleapis.com/maps/api/geocode/json?address={word}+{i}&key=K",
        times=9,
    ),
    many(
        "places details",
        "GET https://maps.googleapis.com/maps/api/place/details/json?place_id={hex}",
        times=9,
    ),
    many("kept in a cache service", "GET http://cache-service/v1/entries/{hex}", times=9),
    many(
        "objects of gcs",
        "GET https://storage.googleapis.com/storage/v1/b/acme/o/{hex}",
        times=9,
        platform="java",
    ),
    many(
        "solr per document", "GET http://solr:8983/solr/items/get?id={i}", times=9, platform="java"
    ),
    many(
        "etag but fresh",
        "GET https://api.test/items/{i}",
        times=9,
        data={"http.response.status_code": 304},
    ),
    many("angular status", "GET /api/devices/{i}/state", times=12, way="at once", **VISIT),
    many("retrofit in a loop", "GET https://api.test/v2/songs/{i}/lyrics", times=8, **PHONE),
    many("invites", "POST /api/teams/7/invitations", times=12, **CLICK),
    many("marks as read", "POST /api/notifications/{i}/read", times=12, way="at once", **CLICK),
    many(
        "lambda each",
        "aws.lambda.Invoke",
        times=14,
        data={
            "rpc.service": "lambda",
            "rpc.method": "Invoke",
            "http.url": "https://lambda.eu.amazonaws.com/2015-03-31/functions/price/invocations",
            "http.method": "POST",
        },
    ),
    many(
        "sns each",
        "aws.sns.Publish",
        times=14,
        data={
            "rpc.service": "sns",
            "rpc.method": "Publish",
            "http.url": "https://sns.eu.amazonaws.com/",
            "http.method": "POST",
        },
    ),
    many(
        "ssm each",
        "aws.ssm.GetParameter",
        times=7,
        data={
            "rpc.service": "ssm",
            "rpc.method": "GetParameter",
            "http.url": "https://ssm.eu.amazonaws.com/",
            "http.method": "POST",
        },
    ),
    many(
        "kms each",
        "aws.kms.Decrypt",
        times=12,
        data={
            "rpc.service": "kms",
            "rpc.method": "Decrypt",
            "http.url": "https://kms.eu.amazonaws.com/",
            "http.method": "POST",
        },
    ),
    many(
        "grpc list for each",
        "/shop.Reviews/ListReviewsOfProduct",
        by="grpc.client",
        times=9,
        platform="go",
    ),
    many(
        "seven secrets by http",
        "GET https://vault.test/v1/secret/data/app-{i}",
        times=7,
        platform="go",
    ),
    Shape(
        "a list and its words",
        [
            run(1, Sent(HTTP, "GET https://api.test/v1/teams", ms=50)),
            run(12, Sent(HTTP, "GET https://api.test/v1/teams/{word}/members", ms=50)),
        ],
        calls=True,
    ),
]
