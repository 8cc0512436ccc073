"""Functions that act for whoever calls them: which call failed says more than where it failed."""

import re

from console.errors.frames import Place

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# A function all of whose words are among these does nothing of its own: it checks, throws, sends,
# wraps, retries, reads or writes what its caller gives it.
_GENERIC = frozenset({
    # guards
    "assert", "authenticate", "authorize", "can", "check", "enforce", "ensure", "expect", "guard",
    "invariant", "must", "permit", "precondition", "require", "required", "validate", "verify",
    # what throws and reports
    "abort", "bail", "capture", "die", "error", "errors", "exception", "fail", "failed", "failure",
    "handle", "handler", "if", "log", "logger", "message", "new", "not", "null", "ok", "on", "or",
    "panic", "raise", "reject", "report", "throw", "to", "unless", "unwrap", "warn", "warning",
    # calls, requests and statements
    "api", "apply", "async", "await", "call", "callback", "client", "command", "connect",
    "connection", "consume", "delete", "dispatch", "do", "emit", "exec", "execute", "fetch", "find",
    "fire", "fn", "func", "function", "get", "graphql", "http", "https", "invoke", "json", "link",
    "load", "method", "network", "notify", "operator", "operation", "patch", "perform", "post",
    "process", "promise", "publish", "push", "put", "query", "raw", "read", "receive", "request",
    "response", "rest", "result", "rpc", "run", "save", "send", "server", "set", "sql", "start",
    "statement", "status", "submit", "sync", "task", "trigger", "update", "url", "with", "write",
    # layers around others
    "action", "after", "around", "base", "before", "context", "decorate", "decorated", "decorator",
    "each", "effect", "for", "in", "inner", "intercept", "interceptor", "lock", "main",
    "middleware", "next", "outer", "pipeline", "proxy", "retries", "retry", "retrying", "safe",
    "scope", "span", "store", "then", "timeout", "timed", "timer", "trace", "traced", "transaction",
    "transactional", "try", "view", "within", "wrap", "wrapped", "wrapper",
    # of whom and of what
    "access", "admin", "all", "any", "args", "auth", "by", "data", "db", "id", "is", "item",
    "items", "login", "logged", "many", "object", "one", "options", "permission", "permissions",
    "record", "role", "session", "some", "str", "string", "text", "token", "user", "value",
    "values",
})  # fmt: skip
# What a class with one method calls it: the class says what it does.
_OF_A_CLASS = frozenset({
    "apply", "call", "execute", "handle", "invoke", "main", "perform", "process", "run", "start",
})  # fmt: skip
_LAYERS = frozenset({
    "app", "application", "auth", "client", "common", "core", "helper", "helpers", "index", "lib",
    "job", "jobs", "repository", "service", "services", "shared", "util", "utils", "worker",
})  # fmt: skip
_ENDINGS = re.compile(r"\.(?:[cm]?[jt]sx?|py|rb|php|go|java|kt|cs|swift|dart|exe|dll|so)$")


def acts_for_caller(place: Place) -> bool:
    """Whether the place says nothing without its caller, as `http.request` and `with_retries`."""
    function = place.function.rpartition("::")[2].rpartition(".")[2] or place.function
    words = _words(function)
    if not words or not words <= _GENERIC:
        return False
    owner = place.function.removesuffix(function)
    is_method = bool(owner) or _last(place.module)[:1].isupper()
    if len(words) > 1 or not (is_method or words <= _OF_A_CLASS):
        return True
    return _words(_last(owner or _ENDINGS.sub("", place.module))) <= _GENERIC | _LAYERS


def _last(owner: str) -> str:
    """The class or module of a qualified name."""
    parts = [part for part in re.split(r"[/:.\\#()*]+", owner) if part]
    return parts[-1] if parts else ""


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(name)}
