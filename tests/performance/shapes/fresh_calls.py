"""Calls of services that many use, as clients send them: a round measured at first sight."""

from typing import Any

from tests.performance.shapes.calls import HTTP, PAGE, many, rightly
from tests.performance.shapes.shape import Sent, Shape, run
from tests.performance.shapes.unseen_calls import CLICK, PHONE, VISIT

AT_ONCE: dict[str, Any] = {"way": "at once", **PAGE}
ATLASSIAN, HUBSPOT = "https://acme.atlassian.net/rest/api/3", "https://api.hubapi.com/crm/v3"
SUPABASE, YOUTUBE = "https://x.supabase.co/rest/v1", "https://www.googleapis.com/youtube/v3"

REPEATED = [
    many("a profile of supabase", f"GET {SUPABASE}/profiles?id=eq.{{uuid}}&select=*", **AT_ONCE),
    many("jira", f"GET {ATLASSIAN}/issue/PROJ-{{i}}?fields=summary"),
    many("shopify", "GET https://s.myshopify.com/admin/api/2024-10/products/{i}/metafields.json",
         platform="php"),
    many("zendesk", "GET https://acme.zendesk.com/api/v2/tickets/{i}/comments.json",
         platform="ruby"),
    many("pokeapi", "GET https://pokeapi.co/api/v2/pokemon/{word}", **AT_ONCE),
    many("npm", "GET https://registry.npmjs.org/{word}", platform="node"),
    many("weather", "GET https://api.openweathermap.org/data/2.5/weather", times=8, data={
        "http.query": "q={word}&appid=[Filtered]&units=metric"}),
    many("nominatim", "GET https://nominatim.test/reverse?lat=52.{i}&lon=13.{i}&format=json"),
    many("osrm", "GET https://osrm.test/route/v1/driving/13.38,52.{i};13.4,52.5?overview=false",
         times=8, platform="go"),
    many("sendgrid", "POST https://api.sendgrid.com/v3/mail/send", times=15, platform="node"),
    many("keycloak", "GET https://sso.test/admin/realms/shop/users/{uuid}/role-mappings",
         platform="java"),
    many("is it indexed", "HEAD http://es:9200/items/_doc/{i}", platform="go"),
    many("contentful", "GET https://cdn.contentful.com/spaces/abc/environments/master/entries/"
         "{hex}", platform="node"),
    many("strapi", "GET https://cms.test/api/articles?filters[slug][$eq]={word}-{i}", times=10),
    many("wikipedia", "GET https://en.wikipedia.org/api/rest_v1/page/summary/{word}", times=10),
    many("coins", "GET https://api.coingecko.com/api/v3/coins/{word}?localization=false",
         times=11, **AT_ONCE),
    many("shares", "GET https://www.alphavantage.co/query?function=QUOTE&symbol={word}&apikey=x"),
    many("accounts of a chain", "GET https://api.etherscan.io/api?module=account&action=balance"
         "&address=0x{hex}", times=9, platform="node"),
    many("azure tables", "GET https://a.table.core.windows.net/Items(PartitionKey='a',RowKey='{i}')",
         platform="csharp"),
    many("azure blobs", "HEAD https://a.blob.core.windows.net/uploads/{uuid}", platform="csharp"),
    many("google storage", "GET https://storage.googleapis.com/storage/v1/b/shop/o/img-{i}",
         platform="go"),
    many("docker", "GET https://registry.test/v2/team/{word}/manifests/latest", platform="go"),
    many("gitlab", "GET https://gitlab.test/api/v4/projects/acme%2F{word}/pipelines?per_page=1",
         platform="ruby"),
    many("youtube", f"GET {YOUTUBE}/videos?part=statistics&id={{hex}}"),
    many("spotify", "GET https://api.spotify.com/v1/tracks/{hex}", times=14, way="at once",
         platform="node"),
    many("discord", "PUT https://discord.com/api/v10/guilds/1/members/{i}/roles/77", times=15),
    many("hubspot", f"PATCH {HUBSPOT}/objects/contacts/{{i}}", times=15, platform="php"),
    many("prices", "GET /api/products/{i}/price", way="at once", data={
        "http.query": "currency=EUR"}, **VISIT),
    many("favourites", "POST /api/favorites/{i}", way="at once", **CLICK),
    many("stock", "GET https://api.shop.test/inventory?sku=ABC-{i}&warehouse=2", times=15,
         **AT_ONCE),
    many("grpc of java", "shop.v1.PriceService/GetPrice", by="grpc.client", times=20, way="pool",
         platform="java"),
    many("connect", "POST https://api.test/shop.v1.CartService/GetItem", **AT_ONCE),
    many("dio again", "GET https://api.test/chat/{uuid}/unread", times=11, way="at once",
         platform="dart", op="ui.load"),
    many("ktor", "GET https://api.test/v1/cards/{hex}/transactions?limit=5", times=11,
         way="at once", **PHONE),
    many("alamofire", "HEAD https://api.test/documents/{i}", times=6, platform="cocoa",
         op="ui.load"),
    many("renewals", "POST https://billing.test/subscriptions/{i}/renew", times=15,
         platform="rust", op="queue.task"),
]  # fmt: skip
RIGHT = [
    # Both take one receiver in a call: nothing could be sent together, as mails could.
    rightly("twilio", "POST https://api.twilio.com/2010-04-01/Accounts/AC1f/Messages.json",
            times=20),
    rightly("telegram", "POST https://api.telegram.org/bot[Filtered]/sendMessage", times=25),
    rightly("hasura", "POST https://x.hasura.app/v1/graphql", times=11, **AT_ONCE),
    rightly("rows of supabase", f"GET {SUPABASE}/items?select=*&offset={{i}}&limit=100"),
    rightly("pages of shopify", "GET https://s.myshopify.com/admin/api/2024-10/products.json"
            "?limit=250&page_info={hex}", platform="php"),
    rightly("pages of jira", f"GET {ATLASSIAN}/search?jql=a&startAt={{i}}&maxResults=100"),
    rightly("pages of zendesk", "GET https://acme.zendesk.com/api/v2/tickets.json"
            "?page[after]={hex}&page[size]=100", platform="ruby"),
    rightly("pages of salesforce", "GET https://acme.my.salesforce.com/services/data/v59.0/query/"
            "01gD0000002HU6KIAW-{i}000", platform="java"),
    rightly("pages of drive", "GET https://www.googleapis.com/drive/v3/files?pageToken={hex}"),
    rightly("back in time", "GET https://api.social.test/1.1/timeline?max_id={i}&count=200"),
    rightly("pages of stripe", "GET https://api.stripe.com/v1/charges?limit=100"
            "&starting_after=ch_{hex}", platform="php"),
    rightly("scrolling", "POST http://es:9200/_search/scroll", times=15),
    rightly("solr", "GET http://solr:8983/solr/items/select?q=*:*&cursorMark={hex}&rows=500",
            platform="java"),
    rightly("algolia", "POST https://x-dsn.algolia.net/1/indexes/*/queries", way="polling",
            **CLICK),
    rightly("several videos", f"GET {YOUTUBE}/videos?id={{hex}},{{n}}a,{{n}}b&part=snippet",
            times=6),
    rightly("several tracks", "GET https://api.spotify.com/v1/tracks?ids={i},{n},3", times=6),
    rightly("batches of hubspot", f"POST {HUBSPOT}/objects/contacts/batch/read", times=15),
    rightly("days of prometheus", "GET http://prom:9090/api/v1/query_range?query=up&start={i}"
            "&end={i}&step=15"),
    rightly("influx again", "POST http://influx:8086/api/v2/write?org=a&bucket=b", times=15),
    rightly("loki again", "POST http://loki:3100/loki/api/v1/push", times=15, platform="go"),
    rightly("clickhouse again", "POST http://ch:8123/?query=INSERT", times=15, platform="go"),
    rightly("openai", "POST https://api.openai.com/v1/chat/completions", times=9),
    rightly("exported spans", "POST http://otel:4318/v1/traces", times=15, platform="go"),
    rightly("parts of s3 by http", "PUT https://b.s3.amazonaws.com/film.mp4?partNumber={n}"
            "&uploadId=abc&X-Amz-Signature=[Filtered]"),
    rightly("blocks of azure", "PUT https://a.blob.core.windows.net/c/film?comp=block"
            "&blockid={hex}", times=15, platform="csharp"),
    rightly("dropbox", "POST https://content.dropboxapi.com/2/files/upload_session/append_v2",
            times=15),
    rightly("cloudinary", "GET https://res.cloudinary.com/demo/image/upload/w_300/{hex}",
            times=20, **AT_ONCE),
    rightly("leaflet", "GET https://a.tile.osm.org/12/{i}/{n}.png", times=24, **AT_ONCE),
    rightly("mapbox", "GET https://api.mapbox.com/v4/mapbox.streets/12/{i}/{n}.vector.pbf",
            times=24, **AT_ONCE),
    rightly("hls again", "GET https://v.test/hls/720p/{n}.ts", **PAGE),
    rightly("dash", "GET https://v.test/dash/chunk-stream0-0000{n}.m4s", **PAGE),
    rightly("fonts of google", "GET https://fonts.gstatic.com/s/inter/v13/{hex}.woff2", **AT_ONCE),
    rightly("animations", "GET /animations/{word}.json", **AT_ONCE),
    rightly("icons", "GET /icons/{word}.svg", **AT_ONCE),
    rightly("workers", "GET /vs/language/{word}/worker.js", **AT_ONCE),
    rightly("i18next", "GET /locales/en/{word}.json?v=7", **AT_ONCE),
    rightly("remix in one fetch", "GET /products/{i}.data", **AT_ONCE),
    rightly("parts of next.js", "GET /products/{i}?_rsc={hex}", **AT_ONCE),
    rightly("intercom", "POST https://api-iam.intercom.io/messenger/web/ping", times=14, **PAGE),
    rightly("amplitude", "POST https://api2.amplitude.com/2/httpapi", times=14, **PAGE),
    rightly("mixpanel", "POST https://api-js.mixpanel.com/track/?verbose=1", times=14, **AT_ONCE),
    rightly("datadog", "POST https://browser-intake-datadoghq.eu/api/v2/rum?ddsource=browser",
            times=14, **PAGE),
    rightly("new relic", "POST https://bam.nr-data.net/events/1/NRJS-abc?a=1", times=14, **PAGE),
    rightly("fullstory", "POST https://rs.fullstory.com/rec/bundle?OrgId=x&Seq={n}", times=14,
            **PAGE),
    rightly("clarity", "POST https://n.clarity.ms/collect", times=14, **PAGE),
    rightly("firestore listens", "POST https://firestore.googleapis.com/google.firestore.v1"
            ".Firestore/Listen/channel?VER=8&RID={i}", times=14, **PAGE),
    rightly("signalr", "GET https://hub.test/chat?id=abc&_={i}", times=14, way="polling", **PAGE),
    rightly("a device signs in", "POST https://auth.test/oauth/token", way="polling"),
    rightly("airflow", "GET https://airflow.test/api/v1/dags/a/dagRuns/b", way="polling"),
    rightly("nine widgets", "GET /api/widgets/{i}", times=9, **AT_ONCE),
    rightly("shards", "GET http://shard-{n}.search.test/query?q=a", way="at once"),
    rightly("regions", "GET https://api.{word}.cloud.test/v1/status", platform="go"),
    rightly("site maps", "GET https://site.test/sitemap-{n}.xml"),
    rightly("parts of an export", "GET https://data.test/exports/part-{n}.csv.gz"),
    rightly("wheels", "GET https://files.pythonhosted.org/packages/{hex}/pkg-1.0.whl"),
    Shape("a gateway", [run(1, *(Sent(HTTP, f"GET http://shop/api/{part}", ms=9) for part in (
        "profile", "orders", "cart", "offers", "menu", "team", "flags", "texts", "news", "ads")))]),
    Shape("settings of one user", [run(1, *(
        Sent(HTTP, f"GET http://iam/users/7/{part}", ms=9) for part in (
            "profile", "roles", "teams", "keys", "mails", "visits", "flags", "tokens")))]),
]  # fmt: skip
FRESH_CALLS = (*REPEATED, *RIGHT)
