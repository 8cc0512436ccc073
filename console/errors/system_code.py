"""Frames of runtimes, systems and well-known frameworks, where the client does not say so."""

import re
from collections.abc import Mapping

from console.errors.function_names import spelled

_PATHS = re.compile(
    r"(?:^|[/\\])(?:site-packages|dist-packages|node_modules|bower_components|vendor|gems|rubygems"
    r"|\.cargo|\.m2|\.pub-cache|\.nuget|deps|Frameworks)[/\\]"
    r"|^(?:node:|<frozen |<compiler-generated>|<internal:|native\b|\[native code\]|\[internal\]"
    r"|<anonymous>|dart:"
    r"|package:(?:flutter|sentry)(?:_\w+)?/|(?:webpack|rollup)/|webpack:///?webpack/"
    r"|(?:chrome|moz|safari|safari-web|webkit-masked-url|ms-browser)(?:-extension)?://"
    r"|\(elixir |\(stdlib )"
    r"|[/\\]lib(?:64)?[/\\](?:python\d|ruby/)|[/\\]rustc[/\\]|[/\\]go[/\\](?:pkg[/\\]mod|src)[/\\]"
    r"|/webpack/(?:bootstrap|runtime)"
)
# Node's own files before it called them node:…, and React Native's.
_FILES = frozenset({
    "_http_client.js", "_http_common.js", "_http_server.js", "_stream_readable.js",
    "_stream_writable.js", "_tls_wrap.js", "assert.js", "async_hooks.js", "bootstrap_node.js",
    "child_process.js", "dgram.js", "dns.js", "domain.js", "events.js", "fs.js", "http.js",
    "InternalBytecode.js", "module.js", "net.js", "next_tick.js", "node.js", "timers.js", "tls.js",
    "vm.js", "zlib.js", "zone.js",
})  # fmt: skip

_JVM = (
    "java", "javax", "jakarta", "jdk", "sun", "com.sun", "oracle", "android", "androidx", "dalvik",
    "libcore", "com.android", "com.google.android", "kotlin", "kotlinx", "scala", "groovy",
    "clojure", "akka", "play.api", "org.apache", "org.codehaus", "org.eclipse", "org.hibernate",
    "org.jboss",
    "org.junit", "junit", "org.springframework", "org.postgresql", "com.mysql", "com.zaxxer",
    "com.fasterxml.jackson", "com.google.common", "com.google.gson", "com.google.inject",
    "io.netty", "io.reactivex", "rx", "reactor", "io.undertow", "io.vertx", "io.micronaut",
    "io.quarkus", "okhttp3", "okio", "retrofit2", "org.slf4j", "ch.qos.logback", "net.bytebuddy",
    "com.facebook.react", "io.sentry",
)  # fmt: skip
_DOTNET = (
    "System", "Microsoft", "Mono", "MS", "Internal", "Interop", "Windows", "UnityEngine",
    "UnityEditor", "Xamarin", "Java", "Android", "AndroidX", "UIKit", "Foundation",
    "ObjCRuntime", "Npgsql",
    "MySql", "Dapper", "Newtonsoft", "NUnit", "Xunit", "Serilog", "NLog", "log4net", "Castle",
    "Autofac", "MediatR", "MassTransit", "Hangfire", "Grpc", "Polly", "Sentry",
)  # fmt: skip
_PYTHON = (
    "asyncio", "concurrent", "contextlib", "email", "encodings", "functools", "http.client",
    "http.server", "importlib", "json", "logging", "multiprocessing", "runpy", "socket",
    "socketserver", "ssl", "subprocess", "threading", "traceback", "unittest", "urllib",
    "wsgiref", "xml", "aiohttp", "amqp", "anyio", "billiard", "bottle", "celery", "channels",
    "django", "fastapi", "flask", "gevent", "greenlet", "gunicorn", "httpx", "jinja2", "kombu",
    "psycopg", "psycopg2", "pydantic", "pymongo", "redis", "requests", "rest_framework", "sanic",
    "sentry_sdk", "raven", "sqlalchemy", "starlette", "tornado", "twisted", "urllib3", "uvicorn",
    "werkzeug",
)  # fmt: skip
_GO = (
    "runtime", "reflect", "sync", "testing", "syscall", "internal", "bufio", "bytes", "compress",
    "container", "context", "crypto", "database/sql", "encoding", "errors", "fmt", "io", "log",
    "net", "os", "regexp", "sort", "strconv", "strings", "text/template", "html/template", "time",
    "golang.org/x", "google.golang.org", "github.com/getsentry/sentry-go", "github.com/gin-gonic",
    "github.com/labstack/echo", "github.com/gorilla", "github.com/gofiber",
)  # fmt: skip
_RUST = (
    "std", "core", "alloc", "tokio", "futures", "futures_util", "futures_core", "hyper",
    "actix_web", "actix_rt", "axum", "tower", "rayon", "backtrace", "sentry", "sentry_core",
    "rust_begin_unwind",
    "__rust_begin_short_backtrace", "__rust_try", "<alloc", "<core", "<std",
    "_start", "__libc_start_main",
)  # fmt: skip
_PHP = ("Illuminate", "Symfony", "Laravel", "Doctrine", "GuzzleHttp", "Twig", "Monolog", "Sentry")
_ELIXIR = (
    "Enum", "Kernel", "GenServer", "Task", "Agent", "Supervisor", "Stream", "Map", "Access", "Plug",
    "Phoenix", "Ecto", "DBConnection", "Cowboy", "Bandit", "Absinthe", ":gen_server", ":proc_lib",
    ":erlang", ":cowboy", ":ranch", ":elixir", "gen_server", "proc_lib", "erlang",
)  # fmt: skip
_MODULES = {
    "java": (_JVM, "."),
    "android": (_JVM, "."),
    "csharp": (_DOTNET, "."),
    "python": (_PYTHON, "."),
    "go": (_GO, "/."),
    "rust": (_RUST, ":"),
    "php": (_PHP, "\\"),
    "elixir": (_ELIXIR, "."),
}
_SCRIPT = frozenset({"node", "javascript"})
_NATIVE = frozenset({"native", "cocoa", "objc", "swift", "c", "rust", "other", ""})

# Images of the systems, by their folder and, as many clients send the name alone, by that.
_SYSTEM_FOLDERS = re.compile(
    r"^(?:/usr/lib|/lib(?:32|64)?/|/System/|/Library/Developer/|/system/|/apex/|/vendor/lib|/private/preboot/"
    r"|\[vdso\]|linux-(?:gate|vdso)|[A-Za-z]:\\Windows\\)|/(?:CoreSimulator|RuntimeRoot)/|dyld_shared_cache",
    re.IGNORECASE,
)
_SYSTEM_IMAGES = re.compile(
    r"(?:lib(?:system_\w+|System|dyld|objc|dispatch|swift\w*|c|c\+\+\w*|stdc\+\+|gcc_s|m|dl|rt|pthread|art|artbase"
    r"|utils|binder|android_runtime|hwui|gui|nativehelper|unwind\w*|log|clr|coreclr|mono\w*)(?:-[\d.]++)?+"
    r"(?:\.(?:\d++\.)*+(?:A\.)?(?:so|dylib))?+(?:\.\d++)*+"
    r"|ld-linux[\w.-]*|ld-[\d.]+\.so|linker(?:64)?|app_process(?:32|64)?|dyld(?:_sim)?"
    r"|(?:UIKit|UIKitCore|Foundation|CoreFoundation|CoreData|CoreGraphics|CoreAnimation|CoreMedia|CoreText"
    r"|CFNetwork|GraphicsServices|QuartzCore|SwiftUI|SwiftUICore|AttributeGraph|Combine|AVFoundation|AVFAudio|AppKit"
    r"|WebKit|WebCore|JavaScriptCore|Security|Metal|MetalKit|MapKit|FrontBoardServices|BackBoardServices"
    r"|AudioToolbox|HIToolbox|UpdateCycle|RunningBoardServices|BaseBoard|StoreKit|UIFoundation|ImageIO)"
    r"|(?:ntdll|kernel32|kernelbase|user32|gdi32|advapi32|ole32|combase|rpcrt4|ws2_32|ucrtbase\w*|msvc[prt]\w*"
    r"|(?:lib)?Qt\d\w{2,30}(?:\.framework|\.so[\d.]*+|_?d?\.dll)?|vcruntime\w*|clr|coreclr|d3d\d+|dxgi|opengl32|win32u)(?:\.dll)?)",
    re.IGNORECASE,
)
_SYSTEM_FUNCTIONS = frozenset({
    "_start", "start", "__libc_start_main", "__libc_start_call_main", "start_thread", "clone",
    "clone3", "abort", "raise", "__pthread_kill", "__cxa_throw", "__cxa_rethrow",
    "objc_exception_throw",
    "objc_msgSend", "UIApplicationMain", "NSApplicationMain", "BaseThreadInitThunk",
    "RtlUserThreadStart", "_dispatch_call_block_and_release", "_dispatch_client_callout",
    "_pthread_start",
    "thread_start", "mach_msg_trap", "__exceptionPreprocess",
})  # fmt: skip

# Extensions of the browser, and clients that watch the program: never its own code.
_FOREIGN = re.compile(
    r"^(?:chrome|moz|safari|safari-web|webkit-masked-url|ms-browser)(?:-extension)?://"
    r"|(?:^|[/\\])(?:node_modules|site-packages|vendor|gems)[/\\]"
    r"(?:@(?:sentry(?:-internal)?|bugsnag|rollbar|datadog|newrelic|elastic|opentelemetry|honeybadger-io)[/\\]"
    r"|(?:sentry|raven|bugsnag|rollbar|newrelic|dd-trace|ddtrace|elastic-apm|elasticapm|opentelemetry|logrocket"
    r"|honeybadger|airbrake|zone\.js|core-js|regenerator-runtime)\b)"
)


# Libraries whose templates a compiler puts into the program's own image.
_STANDARD = re.compile(r"^(?:std|__gnu_cxx|__cxxabiv1|boost|absl|folly|fmt|Eigen|QtPrivate)::")
_COMPILED = frozenset({"native", "c", "cocoa", "objc"})


def is_standard(function: str, platform: str) -> bool:
    """Whether a function is of a library that stands in the program itself."""
    return platform in _COMPILED and bool(_STANDARD.match(function))


def is_foreign(path: str) -> bool:
    """Whether a file is an extension's or a monitoring client's, whatever the client says."""
    return bool(_FOREIGN.search(path))


def is_system(frame: Mapping[str, str], platform: str) -> bool:
    """Whether the frame is of a runtime, a system or a framework, by its module, path or image.

    `frame` has texts under module, filename, abs_path, package and function, "" if not sent.
    """
    path = frame["abs_path"] or frame["filename"]
    if path and (_PATHS.search(path) or _PATHS.search(frame["filename"])):
        return True
    if platform in _SCRIPT and (path in _FILES or path.startswith("internal/")):
        return True
    if platform == "python" and frame["abs_path"]:
        return False  # its path has said it: an application may have a module called json
    if platform in _MODULES and _is_of(*_MODULES[platform], _qualified(frame, platform)):
        return True
    return platform in _NATIVE and _is_system_image(frame["package"], frame["function"])


def _qualified(frame: Mapping[str, str], platform: str) -> str:
    """The module, or the function that names it: behind a return type in C#."""
    module, function = frame["module"], frame["function"]
    if platform == "csharp" and not module:
        module, function = spelled(platform, module, function)
    return module or function


def _is_of(owners: tuple[str, ...], separators: str, name: str) -> bool:
    """Whether one of the owners is the whole name or its beginning, up to a separator."""
    return any(
        name.startswith(owner) and (len(name) == len(owner) or name[len(owner)] in separators)
        for owner in owners
    )


def _is_system_image(package: str, function: str) -> bool:
    if function in _SYSTEM_FUNCTIONS:
        return True
    name = package.replace("\\", "/").rpartition("/")[2]
    return bool(_SYSTEM_FOLDERS.search(package)) or bool(name and _SYSTEM_IMAGES.fullmatch(name))
