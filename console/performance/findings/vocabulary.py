"""The words by which public services and their clients name what takes a call of its own."""

import re

# Files, which no list of ids can bring; pages that frameworks fetch ahead; what configures.
FILE = re.compile(
    r"\.(?:m?js|css|svgz?|a?png|jpe?g|jp2|gif|webp|avif|hei[cf]|bmp|tiff?|ico|psd|dcm|mp3|aac|ogg|opus|"
    r"flac|wav|mid|mp4|m4[asv]|mov|mkv|webm|m3u8|mpd|ts|vtt|srt|woff2?|ttf|otf|eot|map|wasm|"
    r"pdf|docx?|pptx?|xlsx?|csv|tsv|parquet|avro|orc|ndjson|jsonl|epub|ics|eml|"
    r"pbf|mvt|terrain|geojson|topojson|pmtiles|gl[bt]f?|ktx2?|usdz|obj|stl|hdr|bin|riv|lottie|"
    r"zip|t?gz|br|zst|xz|bz2|7z|rar|tar|rsc|data|whl|jar|pom|gem|crate|nupkg|deb|rpm|apk|aab|ipa|"
    r"exe|msi|dmg|iso|img|webmanifest)$"
    r"|/(?:_next|_nuxt|_app|_astro|page-data|@vite|@fs|cdn-cgi|__[\w-]+)/"
    r"|__nextjs|__webpack|\.hot-update\."
    r"|/(?:__data|_payload|q-data)\.json$|launchdarkly\.com",
    re.IGNORECASE,
)
FETCHED_AHEAD = frozenset({"_rsc", "_data", "__prefetch", "x-sveltekit-invalidated"})
OF_PREFETCH = ("purpose", "sec-purpose", "x-purpose", "x-moz")  # headers
ROUTER_PREFETCH = "http.request.header.next-router-prefetch"
# Types of bodies that are a file each.
FILE_TYPE = re.compile(
    r"multipart/form-data|(?:image|audio|video|font|model)/"
    r"|application/(?:octet-stream|offset\+octet-stream|pdf|zip|gzip)",
    re.IGNORECASE,
)
# An address that was signed for one file of a store of objects.
SIGNED = (
    frozenset({"x-amz-signature"}),
    frozenset({"x-goog-signature"}),
    frozenset({"x-oss-signature"}),
    frozenset({"sig", "se"}),  # Azure
    frozenset({"signature", "expires"}),
)
# Pictures that no ending names, as services send them that scale pictures.
PICTURE = re.compile(
    r"://(?:img|images?|cdn|static|assets|media|res|thumbs?|avatars?)\d*\."
    r"|/(?:images?|img|avatars?|thumbs?|thumbnails?)/(?!.*/)",
    re.IGNORECASE,
)
OF_PICTURES = frozenset({"w", "h", "width", "height", "dpr", "fit", "crop"})
# How addresses without a path of numbers name a tile of a map.
OF_TILES = (
    frozenset({"x", "y", "z"}),
    frozenset({"tilerow", "tilecol"}),
    frozenset({"bbox"}),
    frozenset({"quadkey"}),
)
# Operations of AWS that read or write all that there is, a piece of it, or wait for what comes.
OF_AWS = re.compile(
    r"(?:List(?!\w*(?:For|By|Attached|Tags))\w+|UploadPart(?:Copy)?|ReceiveMessage|Scan|GetRecords"
    r"|Put(?:Records|LogEvents|Events|MetricData)|Converse(?:Stream)?|InvokeModel\w*|AssumeRole\w*)",
    re.IGNORECASE,
)
SEVERAL = frozenset(
    {"batch", "bulk", "many", "multi", "multiple", "mget", "msearch", "composite", "transact"}
)
SEVERAL_SENT = SEVERAL | {"import", "all", "ingest"}
# How requests are read that a protocol sends by POST: `GetParameter`, `DescribeInstances`.
READS = re.compile(r"(?:Get|Head|Describe|Read|Fetch|Find|Lookup)(?:[A-Z]\w*)?")
# Pieces of one thing that goes on, and the words of an upload around numbered pieces.
PIECES = frozenset({"scroll", "append", "chunk", "listen", "channel", "poll", "continue", "resume"})
NUMBERED_PIECES = frozenset(
    {"chunk", "chunks", "part", "parts", "block", "blocks", "segment", "segments"}
    | {"piece", "pieces", "slice", "slices", "fragment", "fragments"}
)
UPLOAD = frozenset(
    {"upload", "uploads", "uploading", "multipart", "resumable", "transfer", "transfers", "tus"}
)
CONTENT = re.compile(r"/upload(?:/|$)")
# What a page or a service reports of itself.
REPORTS = re.compile(
    r"/(?:[gj]/)?(?:collect|collector|capture|track|beacons?|telemetry|analytics|envelope|metrics|"
    r"traces|logs?|event|heartbeat|ping|write|push|rum|monitoring|tunnel|pixel|vitals|httpapi|tp2|"
    r"series|intake|csp-report|matomo\.php|piwik\.php|[a-z])/?$",
    re.IGNORECASE,
)
EVENTS = re.compile(r"/(?:events?|hits?)/?$|/rec/", re.IGNORECASE)
# Services to which pages and programs only report.
REPORTED_TO = re.compile(
    r"://(?:[\w-]+\.){0,4}(?:google-analytics|googletagmanager|doubleclick|segment|mixpanel|amplitude|"
    r"nr-data|newrelic|datadoghq|datadoghq-browser-agent|hotjar|clarity|fullstory|logrocket|"
    r"lr-ingest|heapanalytics|posthog|plausible|honeycomb|bugsnag|rollbar|statsig|statsigapi|"
    r"braze|branch|adjust|appsflyer|app-measurement|crashlytics)\."
    r"(?:com|net|io|eu|ms|co|org|dev)(?::\d+)?/",
    re.IGNORECASE,
)
# Messages of services that take one receiver in a call: push, SMS, chat and hooks. Those for mail,
# Expo and OneSignal take lists of receivers, so that a call for each is a repetition.
MESSAGE = re.compile(
    r"/3/device/|/messages:send$|/fcm/send(?:/|$)|/wpush/|/sms(?:/|$)|/chat\.post\w+$"
    r"|/bot/message/|/channels/[^/]*/messages$|/(?:web)?hooks?/[^/]"
)
OF_MESSAGES = frozenset({"push", "sms", "hook", "hooks", "webhook"})  # words of hosts
# Answers of language models: each turn of a conversation needs the one before.
THOUGHT = re.compile(
    r"/(?:chat/completions|completions|converse(?:-stream)?|api/chat|api/generate|v\d/chat)$"
    r"|:(?:stream)?generateContent$|/invoke(?:-with-response-stream)?$",
    re.IGNORECASE,
)
# Endings of such calls that say so at these hosts only.
OF_HOSTS = {
    "chat": re.compile(r"/messages$"),
    "plivo": re.compile(r"/message/?$", re.IGNORECASE),
    "twilio": re.compile(r"/(?:messages|calls)(?:\.json)?$", re.IGNORECASE),
    "facebook": re.compile(r"/messages$"),
    "telegram": re.compile(r"/send[A-Z][a-z]+$"),
    "anthropic": re.compile(r"/messages$"),
    "openai": re.compile(r"/responses$"),
}
TOOLS = frozenset({"gen_ai.execute_tool", "mcp.client", "mcp.tool"})
# What operations of GraphQL that read a list by its pages are named by.
LISTS = frozenset({"page", "pages", "paginated", "list", "all", "more"})
TOKEN = re.compile(
    r"/(?:oauth2?(?:/v[\d.]+)?/(?:access_)?token|connect/token|token)$", re.IGNORECASE
)
HEALTH = frozenset(
    {
        "health",
        "healthz",
        "healthcheck",
        "livez",
        "readyz",
        "liveness",
        "readiness",
        "ping",
        "alive",
    }
)
# Ends of addresses at which a program looks again until the answer changes.
AWAITED = frozenset({"status", "state", "progress", "result", "poll", "wait"})
OF_WAITING = frozenset({"wait", "watch", "longpoll", "poll"})
OF_LIMITS = frozenset({"timeout", "block"})  # of a search too, so that the rest must be the same
# Parameters that only keep caches away.
AGAINST_CACHES = frozenset({"_", "t", "ts", "cb", "nocache", "rand", "random", "timestamp"})
# Parts of a store of which each must be asked; places that are parts of it where they have a code.
SHARDS = frozenset({"shard", "shards", "partition", "partitions", "replica", "replicas"})
PLACES = frozenset({"region", "regions", "zone", "zones", "datacenter", "datacenters"})
PLACE = re.compile(r"[a-z]+(?:[-_][a-z]+)*[-_]?\d{0,2}[a-z]?", re.IGNORECASE)
PAGE = frozenset(
    {"page", "pg", "pageno", "pagenum", "pageindex", "pagenumber", "currentpage", "seite", "pagina"}
    | {"partnumber", "offset", "skip", "skiptoken", "seek", "startat", "startindex", "startafter"}
    | {"cursor", "cursormark", "continuation", "continue", "marker", "after", "before", "next"}
    | {"bookmark", "scroll", "resume", "checkpoint", "anchor", "pagetoken", "pagingstate", "delta"}
)
# The ends of a window, and names of more than one meaning: the values decide.
WINDOW = frozenset(
    {"from", "to", "since", "until", "start", "end", "begin", "gt", "gte", "lt", "lte"}
    | {"min", "max", "range", "seq", "sequence", "older", "newer", "first", "last", "sync"}
)
COUNTED = frozenset(
    {
        "p",
        "part",
        "chunk",
        "segment",
        "block",
        "piece",
        "slice",
        "fragment",
        "index",
        "idx",
        "batch",
    }
)
SIZE = frozenset(
    {"limit", "size", "pagesize", "per", "perpage", "top", "count", "rows", "take", "results"}
    | {"maxresults", "length", "num", "max"}
)
