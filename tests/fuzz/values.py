"""What is asked wrongly: texts, numbers, moments and headers that some layer has choked on."""

from base64 import urlsafe_b64encode
from random import Random

NUMBERS = (
    "0", "-1", "1", "01", "+1", "1.5", "1e3", "1e999", "-1e999", "inf", "-Infinity", "nan", "NaN",
    "0x10", "1_000", "\u0661\u0662", "\u00b2", "\U0001d7d9", str(2**31 - 1), str(2**31),
    str(-(2**31) - 1), str(2**32), str(2**53 + 1), str(2**63 - 1), str(2**63), str(-(2**63)),
    str(2**64), "9" * 400, "9" * 5_000, "1" + "0" * 300, "1 ", " 1", "1\n", "true", "null",
    "None", "", "--1", "1;2", "1,5",
)  # fmt: skip
TEXTS = (
    "", " ", "\t\r\n", "\0", "a\0b", "\0" * 50, "\x1b[31m", "\x7f", "\x85\u2028\u2029", "\ufeff",
    "\ufffe\uffff", "\U0010ffff", "\U0001f600" * 50, "e\u0301" * 100, "\u202egnirts",
    "\u00df\u0130\u0131", "%", "%%", "%s%n%x", "%00", "%c0%af", "_", "\\", "\\0", "\\u0000", "'",
    "''", '"', "`", "')--", "' OR 1=1 --", '"; DROP TABLE user; --', "$", "$1", "${7*7}",
    "{{7*7}}", "{% raw %}", "{0}", "{}", "<script>alert(1)</script>", "]]>", "<!--", "&amp;",
    "../" * 10, "..\\..\\", "/etc/passwd", "//", "http://[", "https://[::1",
    "javascript:alert(1)", "//evil.test", "/\\evil.test", "\\\\evil.test", "*", "*=x", "a=*",
    "*=", "=x", "$=x", "[=x", "a.b=c", 'a"b=c', "a'b=c", "a[0]=x", "/=x", "~=x", "#", "?", "&",
    "=", "==", ";", ",", ":", "@", "a@b", "a" * 64, "x" * 201, "x" * 255, "x" * 256, "x" * 5_000,
    "\u00e4" * 300, "x" * 70_000, "(" * 200, "[" * 2_000, "(a+)+$", "a" * 300 + "!", "null",
    "undefined", "NaN", "true", "{}", "[]", '{"a":', "0", "-0", "\U00010000",
    "\u0000\ud800".encode( "utf-8", "surrogatepass").decode("utf-8", "replace"),
)  # fmt: skip
RAW = (
    b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"a\xffb",
    b"\xfe\xff\0a",
)  # fmt: skip
MOMENTS = (
    "2026-11-23T08:00", "2026-11-23", "2026-W48", "0000-00-00", "0000-01-01T00:00:00Z",
    "0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00",
    "10000-01-01T00:00:00Z", "-0001-01-01", "2026-02-30", "2026-11-23T25:00",
    "2026-11-23T08:00+99:99", "2026-11-23T08:00 00:00", "2026-11-23T08:00:60Z",
    "1999-12-31T23:59:59+00:00", "2199-12-31T23:59:59Z", "2200-01-01", "1e10", "1700000000",
    "now", "yesterday", "2026-11-23T08:00:00.1234567890123Z", "\u0662\u0660\u0662\u0666-11-23",
    "20261123T080000Z", "2026-11-23T08:00:00+00:00:00.000001",
)  # fmt: skip
KEYS = (
    '["older","0001-01-01T00:00:00+14:00",1]', '["older","9999-12-31T23:59:59-14:00",1]',
    '["newer",1,1]', '["older",2147483648,1]', '["older",1,9223372036854775807]', '["older"]',
    "[]", '["older",null,null]', '["older",[],{}]', '["sideways",1,2]', '["older",1e400,1]', "{}",
    "null", "[" * 500, '["newer","2026-11-23T00:00:00+00:00",-5]', "\xff\xfe",
    "0001-01-01T00:00:00+14:00 " + "a" * 32, "2026-11-23T00:00:00+00:00 -" + "a" * 31,
)  # fmt: skip
MARKS = (
    "2026-11-23T00:00:00+00:00~1~aaaaaaaaaaaaaaaa",
    "0001-01-01T00:00:00+00:00~1~aaaaaaaaaaaaaaaa",
    "9999-12-31T23:59:59+00:00~999999999999999999~ffffffffffffffff",
    "2026-13-01T00:00:00+00:00~1~" + "0" * 16,
    "2026-11-23T00:00:00+00:00~\u0661~aaaaaaaaaaaaaaaa", "~~",
)  # fmt: skip
HOSTS = (
    "", ".", "..", "a..b", "x" * 64, "x" * 300 + ".test", "[", "[::1", "[::1]:99999",
    "localhost:0", "localhost:99999", "localhost:x", "a b", "a/b", "a@b", "\xff\xfe", "xn--",
    "xn--a", "-", "127.0.0.1", "localhost,evil.test", "LOCALHOST", "1" * 80,
    "a" * 63 + "." + "b" * 63, "%00", "\u00e9.test".encode().decode("latin1"),
)  # fmt: skip
HEADERS: dict[str, tuple[str, ...]] = {
    "HX-Request": ("true", "true", "true", "false", "", "TRUE"),
    "HX-Request-Type": ("full", "partial", "x"),
    "HX-Target": ("div#x", "", "\xff", "x" * 5_000, "a#b#c"),
    "HX-Source": ("button#x", "\xff"),
    "HX-Boosted": ("true", ""),
    "HX-History-Restore-Request": ("true", ""),
    "HX-Current-URL": (
        "http://localhost/acme/shop/issues/?q=1", "http://[", "https://[::1", "http://[v1.x]/",
        "//[", "", "/", "x", "http://localhost:99999/", "http://a:b@c:d/", "\xff\xfe",
        "javascript:x", "x" * 9_000, "http://localhost/%00?%00", "http://localhost//evil.test/",
        "http://\xe2\x84\x80.test/", "?",
    ),
    "Referer": (
        "http://localhost/", "https://localhost/", "http://[", "https://[::1", "\xff", "x", "//[",
    ),
    "Origin": ("http://localhost", "null", "http://[", "\xff", "https://evil.test"),
    "User-Agent": (
        "Mozilla/5.0 Chrome/120", "", "\xff\xfe", "x" * 9_000, "a\tb", "/", "\xf0\x9f\x98\x80",
    ),
    "If-None-Match": ('"x"', "*", 'W/"', '"', ",,,", "x" * 5_000, '"\xff"', 'W/"abc"'),
    "If-Match": ("*", '"x"', "\xff"),
    "If-Modified-Since": (
        "Mon, 23 Nov 2026 08:00:00 GMT", "Mon, 99 Nov 99999 08:00:00 GMT", "x", "\xff", "0",
        "1e999", "Thu, 01 Jan 0000 00:00:00 GMT", "Mon, 23 Nov 2026 08:00:00 +9999",
    ),
    "If-Unmodified-Since": ("Mon, 23 Nov 1999 08:00:00 GMT", "x"),
    "If-Range": ("x", '"x"', "Mon, 23 Nov 2026 08:00:00 GMT"),
    "Range": (
        "bytes=0-1", "bytes=-1", "bytes=9-1", "bytes=a-b", "x", "bytes=0-1,2-3",
        "bytes=" + "9" * 400 + "-",
    ),
    "Accept": (
        "text/html", "*/*", "", "application/json", "\xff", "a/b;q=nan", "a/b;q=1e999",
        "," * 2_000,
    ),
    "Accept-Encoding": (
        "br", "gzip", "br;q=0, gzip;q=9", "*", "\xff", "gzip;q=inf", "," * 2_000, "identity;q=0",
    ),
    "Accept-Language": ("en", "x" * 3_000, "\xff", "*"),
    "Sec-Fetch-Site": ("same-origin", "none", "same-origin", "cross-site", "\xff"),
    "Pharos-Part": ("x", "\xff", "x" * 3_000),
    "X-CSRFToken": ("x", "\xff", "", "x.y.z", "." * 900),
    "X-Forwarded-For": ("1.2.3.4", "x" * 900, "\xff", ",", "[::1", "1.2.3.4, 5.6.7.8"),
    "X-Forwarded-Proto": ("https", "http", "javascript", "\xff", ","),
    "X-Forwarded-Host": ("evil.test", "[", "\xff", "x" * 300),
    "Authorization": (
        "Bearer x", "Bearer", "Bearer  ", "bearer pht_\xff", "Basic eDp5", "Basic \xff", "Basic",
        "\xff", "Digest x", "Bearer " + "x" * 5_000, "Sentry sentry_key=x", "Digest a=b,=,",
        'Digest username="', "",
    ),
    "X-Sentry-Auth": (
        "Sentry sentry_key=x", "Sentry ", "\xff",
        "Sentry sentry_version=nan, sentry_key=" + "a" * 32,
    ),
    "Content-Encoding": ("gzip", "br", "zstd", "deflate", "identity", "\xff", "gzip, br", "x"),
    "Expect": ("100-continue", "x"),
    "Cookie": (
        "theme=dark", 'theme="\\000"', "theme=\xff", "refresh=-1", "=", ";;;", "pharos=",
        "pharos=x.y.z", "pharos=\xff", 'pharos="\\', "remember_token=1|x", "a=" + "b" * 9_000,
        "pharos=eyJhIjoxfQ.a.b",
    ),
    "Traceparent": ("x", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"),
    "Sentry-Trace": ("x", "\xff", "a" * 32 + "-" + "b" * 16 + "-1"),
    "Baggage": ("sentry-trace_id=\xff", "=,=,", "x" * 9_000),
    "Transfer-Encoding": ("chunked", "x"),
    "Date": ("x",),
    "Via": ("\xff",),
}  # fmt: skip
TYPES = (
    "text/plain", "application/json", "application/json; charset=utf-7",
    "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded; charset=x",
    "application/x-www-form-urlencoded; charset=utf-16", "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=\xff",
    "multipart/form-data; boundary=" + "x" * 300, 'multipart/form-data; boundary="',
    "multipart/mixed; boundary=x", "", ";", "/", "\xff", "x" * 3_000, "application/x-protobuf",
    "application/x-sentry-envelope", "text/html", "application/x-www-form-urlencoded;;;=;",
    "multipart/form-data; boundary=x; boundary*0=y; boundary*1*=z",
    "application/json; charset*=utf-8''%ff", "application/csp-report", "image/png",
)  # fmt: skip
METHODS = (
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "CONNECT",
    "get", "Post", "QUERY", "X", "G" * 300, "POST\xff",
)  # fmt: skip
BODIES = (
    b"", b"\0", b"\xff\xfe", b"&" * 3_000, b"=" * 300, b"a=%", b"a=%ff%00", b"a=\xff",
    b"[" * 20_000, b'{"a":' * 3_000, b"{}", b"[]", b"null", b"1e999", b'"\\ud800"',
    b'{"name":{"a":[1]}}', b"[1,2]", b"NaN", b"--x\r\n", b"--x--\r\n",
    b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--\r\n",
    b"--x\r\nContent-Disposition: form-data; name=a; filename*=utf-8''%00%ff\r\n\r\nx\r\n--x--\r\n",
    b"--x\r\nContent-Disposition: form-data; name=a\r\nContent-Type: a; charset=utf-7\r\n\r\n+A-",
    b'--x\r\nContent-Disposition: form-data; name="' + b"n" * 9_000 + b'"\r\n\r\nx\r\n--x--\r\n',
    b"--x\r\n" + b"X: y\r\n" * 3_000 + b"\r\nx\r\n--x--\r\n", b"x=" + b"y" * 600_000,
    b"\x1f\x8b\x08\0", b"a\0b=c\0d",
    b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
)  # fmt: skip
PATHS = (
    b"/", b"//", b"///", b"/./", b"/../", b"/..%2f..%2fetc/passwd", b"/%00", b"/%ff", b"/%",
    b"/%2", b"/%zz", b"/a%00b/c", b"/%0d%0aX:%20y", b"/\xc3\xa9", b"/%c3%a9/%e2%80%a8", b"/api",
    b"/api/", b"/api/v1", b"/api/v1/x/y/z", b"/api/%00", b"/static/",
    b"/static/000000000000/" + b"x" * 300, b"/static/000000000000/" + b"x/" * 900,
    b"/static/000000000000/%00", b"/static/000000000000/css%00",
    b"/static/000000000000/../app.py", b"/static/000000000000/css/", b"/static/000000000000/.",
    b"/static/" + b"x" * 64_000, b"/" + b"a" * 64_000, b"/" + b"/".join([b"a"] * 4_000), b"*",
    b"", b"http://localhost/", b"/invite/" + b"x" * 9_000, b"/invite/%00", b"/invite/%ff",
    b"/login/..;/setup", b"/favicon.ico", b"/robots.txt", b"/.well-known/x", b"/%E2%80%AE",
    b"/acme/shop/issues/9999999999999999999999/", b"/acme/shop/issues/%D9%A1/",
    b"/acme/shop/issues/01/", b"/acme/shop/issues/-1/", b"/account/sessions/99999999999/ending",
    b"/tunnel", b"/v1/traces",
)  # fmt: skip
INGEST = (
    "/api/{project}/envelope/", "/api/{project}/store/", "/api/{project}/beacon/", "/tunnel",
    "/v1/traces", "/i/v1/traces", "/api/{project}/integration/otlp/v1/traces",
    "/x/y/api/{project}/envelope", "/api/{project}/security/", "/api/{project}/minidump/",
    "/api/{project}/unreal/x/", "/v1/logs", "/v1/metrics", "/beacon.js",
)  # fmt: skip
ENVELOPES = (
    b"", b"{}", b"{}\n", b"{}\n{}\n{}\n", b'{"dsn":"http://["}\n{"type":"event"}\n{}\n',
    b'{"dsn":1}\n{"type":"event"}\n{}\n', b'{}\n{"type":"event","length":-1}\n{}\n',
    b'{}\n{"type":"event","length":1e999}\n{}\n', b'{}\n{"type":"event","length":99999999}\n{}\n',
    b'{}\n{"type":null}\n\n', b'{}\n{"type":"\\ud800"}\n{}\n',
    b'{}\n{"type":"event"}\n{"message":"a\\u0000b"}\n',
    b'{"event_id":"\\ud800"}\n{"type":"event"}\n{}\n',
    b'{"event_id":[1]}\n{"type":"session"}\n{"sid":1}\n', b"[" * 5_000, b"\xff" * 100,
    b'{"sent_at":"x"}\n{"type":"transaction"}\n{"spans":1}\n',
    b'{}\n{"type":"client_report"}\n{"discarded_events":[{"quantity":1e999,"reason":1,"category":null}]}\n',
    b'{"message":"%1500d","params":[1]}', b'{"event_id":"x","exception":1}', b'{"key":1,"m":[]}',
    b'{"key":"' + b"a" * 32 + b'","m":[1,{"n":"LCP"}]}', b'{"resourceSpans":1}',
    b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":1}]}]}]}',
    b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x00" * 2_000,
)  # fmt: skip


def odd(random: Random) -> str:
    """Any of the texts."""
    kind = random.random()
    if kind < 0.25:
        return random.choice(NUMBERS)
    if kind < 0.35:
        return random.choice(MOMENTS)
    if kind < 0.45:
        return random.choice((*MARKS, urlsafe_b64encode(random.choice(KEYS).encode()).decode()))
    if kind < 0.9:
        return random.choice(TEXTS)
    return "".join(chr(random.choice((*range(160), *range(0x2000, 0x2070)))) for _ in range(12))


def escaped(random: Random, text: str) -> str:
    """The text as it stands in an address: percent-encoded, now and then not or not as UTF-8."""
    kind = random.random()
    raw = random.choice(RAW) if kind < 0.01 else text.encode("utf-8", "replace")
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
    if kind > 0.97:
        plain += b"/?%:@!$'()*,;[]{}|\\^`<>\""
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in raw)
