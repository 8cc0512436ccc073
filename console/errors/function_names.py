"""A function's module and name as every version of its compiler and client writes them.

Sources: stack traces of the compilers and runtimes that each line names, as clients send them.
"""

import re
from collections.abc import Callable, Mapping

Named = tuple[str, str]  # module and function

_LONGEST = 1000  # of a name that is taken apart
_CLOSURE = "{closure}"
_RUBY_OWNER = re.compile(r"^(?:[A-Z]\w*::)*[A-Z]\w*[#.](?=[a-z_<\[=+*!~-])")
_DART_CLOSURES = re.compile(
    r"(?<!\.<fn>)(?<!\.<anonymous closure>)(?:\.<(?:fn|anonymous closure)>)++$"
)
_RUST_CLOSURES = re.compile(r"(?:::\{\{?closure(?:#\d+|_env#\d+)?\}\}?)+")
_RUST_ARGUMENTS = re.compile(r"(?<=\w)(?:::)?<[^<>]*>")
_DEEPEST = 10  # arguments within arguments
_RUST_SHIMS = re.compile(r"\{\{(?:vtable\.shim|constant|impl)\}\}")
_GO_MAJOR = re.compile(r"/v\d+(?=[/.]|$)|(?<=\w)\.v\d+(?=[/.]|$)")
_PHP_CLOSURE = re.compile(r"\{closure(?::(?P<owner>[^(){}]*?)(?:::\w+)?(?:\(\))?(?::\d+)?)?\}")
_CLASS = re.compile(r"\w+(?:\\\w+)*")
_KOTLIN_HASH = re.compile(r"(?<=\w)-(?=[\w-]{0,6}[A-Z\d])[\w-]{7}(?=\$|$)")
_MOVE_NEXT = re.compile(r"^(?P<owner>.+)[+.]<(?P<method>\w+)>d__\d+(?:`\d+)?$")
_DISPLAY_CLASS = re.compile(r"[+.]<>c(?:__DisplayClass[\d_]+)?(?:`\d+)?(?=$|[.+])")
_INLINE_NAMESPACES = re.compile(
    r"(?<=::)(?:__1|__2|__cxx11|__ndk1|_V2)::|\[abi:\w+\]|(?<!\s)\s*+\[clone [^\[\]]*+\]"
)
_SWIFT_PARTS = re.compile(
    r"^(?:\(\d+\) (?:await|suspend) resume partial function for |partial apply for "
    r"|(?:generic )?specialized |merged |@(?:non)?objc )+"
)
_UNNAMED = re.compile(r"\((?:anonymous namespace|anonymous|unnamed)\)|`anonymous namespace'")
# Before what an argument of a template, or a parameter, begins.
_TEMPLATE = re.compile(r"(?<!operator)(?<!operator<)(?<=[\w`])$")
_PARAMETERS = re.compile(r"(?:(?<!operator)(?<=[\w>}])|operator\W+)\s*$")


def spelled(platform: str, module: str, function: str) -> Named:
    """The module and the function in one spelling, whatever version of its language wrote them."""
    rule = _RULES.get(platform)
    if rule is None or not function or len(module) + len(function) > _LONGEST:
        return module, function
    return rule(module, function)


def _ruby(module: str, function: str) -> Named:
    """Ruby 3.4 writes the class before the method; the file says it already."""
    return module, _RUBY_OWNER.sub("", function)


def _dart(module: str, function: str) -> Named:
    return module, _DART_CLOSURES.sub(f".{_CLOSURE}", function)


def _rust(module: str, function: str) -> Named:
    name = _RUST_SHIMS.sub("", _RUST_CLOSURES.sub(f"::{_CLOSURE}", function))
    for _ in range(_DEEPEST):
        name, changes = _RUST_ARGUMENTS.subn("", name)
        if not changes:
            break
    return module, name


def _go(module: str, function: str) -> Named:
    """A module of a next major version has the same code at another path."""
    return _GO_MAJOR.sub("", module), _GO_MAJOR.sub("", function).removesuffix("-fm")


def _php(module: str, function: str) -> Named:
    """PHP 8.4 writes into a closure where it stands; before, the class stood before it."""
    closure = _PHP_CLOSURE.search(function)
    if closure is None:
        return module, function
    owner = function[: closure.start()].partition("::")[0] if "::" in function else ""
    if not owner or "{" in owner:
        owner = (closure["owner"] or "").partition("::")[0]
    return module, f"{owner}::{_CLOSURE}" if _CLASS.fullmatch(owner) else ""


def _csharp(module: str, function: str) -> Named:
    """State machines and closures are the method that they stand in; a signature is its name.

    "async Task<int> Shop.Cart.Pay(Order o)", "Shop.Cart+<Pay>d__3.MoveNext()" and Unity's
    "Shop.Cart:Pay()" are Shop.Cart and Pay.
    """
    name = _without_signature(function).replace(":", ".")
    owner, _, method = name.rpartition(".")
    owner = owner.rstrip(".")
    if not owner or module.endswith(f".{owner}"):
        owner = module
    machine = _MOVE_NEXT.match(owner) if method == "MoveNext" else None
    if machine:
        owner, method = machine["owner"], machine["method"]
    return _DISPLAY_CLASS.sub("", owner).replace("+", "."), method or name


def _java(module: str, function: str) -> Named:
    """Kotlin marks functions that take value types with a hash of their signature."""
    return module, _KOTLIN_HASH.sub("", function)


def _native(module: str, function: str) -> Named:
    """Compilers write parameters, arguments of templates and namespaces each in their way."""
    if "::<" in function:
        return _rust(module, function)
    if function.startswith(("-[", "+[")) or ("(" not in function and "<" not in function):
        return module, _INLINE_NAMESPACES.sub("", function)
    named = _UNNAMED.sub("{unnamed}", _INLINE_NAMESPACES.sub("", function))
    return module, _without_signature(named) or function


def _cocoa(module: str, function: str) -> Named:
    """Swift splits an asynchronous function where it waits, and makes copies of others."""
    if "::" in function:
        return _native(module, function)
    return module, _SWIFT_PARTS.sub("", function)


def _elixir(module: str, function: str) -> Named:
    """A function that is not there stands with the values that it was called with."""
    name = function.partition("(")[0]
    return module, name if name and function.endswith(")") else function


def _without_signature(function: str) -> str:
    """The qualified name alone: no return type, no parameters, no arguments of templates."""
    name, depth = "", 0
    for char in function:
        if depth or (char == "<" and _TEMPLATE.search(name)):
            depth += (char == "<") - (char == ">")
        elif char == "(" and _PARAMETERS.search(name) and name.count("{") == name.count("}"):
            break
        else:
            name += char
    name = name.strip()
    return name if "operator" in name else name.rpartition(" ")[2]


_RULES: Mapping[str, Callable[[str, str], Named]] = {
    "ruby": _ruby,
    "dart": _dart,
    "rust": _rust,
    "go": _go,
    "php": _php,
    "csharp": _csharp,
    "elixir": _elixir,
    "java": _java,
    "native": _native,
    "c": _native,
    "cocoa": _cocoa,
    "objc": _cocoa,
}
