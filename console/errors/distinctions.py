"""What an exception's message adds to its type and place: two faults of one line, or one."""

import re
from collections.abc import Mapping
from typing import Any

from console.errors.browsers import as_any_browser, by_engine
from console.errors.chain import type_of
from console.errors.parametrise import error_codes, names_in, parametrise
from console.errors.wordings import as_any_version

# Types whose message is the runtime's or the system's, in the words of its version, of the user's
# language or of the device: only names and codes in it say more than the type.
_OF_RUNTIMES = frozenset({
    # engines of JavaScript
    "TypeError", "RangeError", "ReferenceError", "SyntaxError", "EvalError", "URIError",
    "InternalError",
    # .NET, in the user's language
    "ArgumentNullException", "ArgumentOutOfRangeException", "DivideByZeroException",
    "DirectoryNotFoundException", "FileNotFoundException", "FormatException", "IOException",
    "IndexOutOfRangeException", "InvalidCastException", "KeyNotFoundException",
    "NullReferenceException", "ObjectDisposedException", "OperationCanceledException",
    "OutOfMemoryException", "OverflowException", "SocketException", "StackOverflowException",
    "TaskCanceledException", "UnauthorizedAccessException", "Win32Exception", "COMException",
    # virtual machines and systems
    "NullPointerException", "IndexOutOfBoundsException", "ArrayIndexOutOfBoundsException",
    "StringIndexOutOfBoundsException", "OutOfMemoryError", "StackOverflowError", "RecursionError",
    "SystemStackError", "NSRangeException", "ApplicationNotResponding", "App Hanging", "AppHang",
    "WatchdogTermination", "ANR", "EAccessViolation", "EInvalidPointer", "EOutOfMemory",
})  # fmt: skip
# What browsers refuse, each in its own sentence that names its own function.
_OF_BROWSERS = frozenset({
    "AbortError", "ConstraintError", "DataCloneError", "DataError", "EncodingError",
    "HierarchyRequestError", "InvalidAccessError", "InvalidCharacterError", "InvalidStateError",
    "NetworkError", "NotAllowedError", "NotFoundError", "NotReadableError", "NotSupportedError",
    "OperationError", "OverconstrainedError", "QuotaExceededError", "ReadOnlyError",
    "SecurityError", "TransactionInactiveError", "UnknownError", "VersionError",
})  # fmt: skip
_SIGNALS = re.compile(r"SIG[A-Z]{2,8}\b|EXC_[A-Z_]{2,40}|EXCEPTION_[A-Z_]{2,60}")
# Python's of a mapping, whose message is the key alone.
_KEY = re.compile(r"""['"]([A-Za-z]++(?:[_-][A-Za-z]++)*+)['"]""")
_ASSERTED = re.compile(r"(?i)\bassertion:? [`'\"(]?([^\n]{1,200}?)['\")]? failed")
_SHORTEST = 2
_BY_KOTLIN = "Parameter specified as non-null is null"
_JVM = frozenset({"java", "android", "kotlin"})
_BROWSERS = "javascript"


def worded(exception: Mapping[str, Any], platform: str) -> str:
    """The exception's message in one wording for all versions and engines."""
    return as_any_version(as_any_browser(exception, platform), platform)


def distinction(exception: Mapping[str, Any], value: str, platform: str) -> str:
    """What the message says beyond the type, "" if nothing that is the same at each occurrence.

    `value` is the message as it is worded for all versions and engines.
    A program's own sentence counts without its values. A runtime's counts by its names alone: it
    reads otherwise in the next version, in another browser or language.
    """
    kind = type_of(exception)
    if kind == "KeyError" and (key := _missing_key(value)):
        return key
    if _is_silent(kind, value, platform):
        return ""
    if value.startswith(_BY_KOTLIN):
        return parametrise(value)
    by_runtime = kind in _OF_RUNTIMES or bool(_SIGNALS.match(kind))
    if kind == "TypeError" and platform != _BROWSERS:
        by_runtime = False  # Node and Python have one engine, and their own sentences
    if by_runtime and (asserted := _ASSERTED.search(value)):
        return f"assertion {asserted[1]}"
    if by_runtime and not by_engine(exception, platform):
        return " ".join(names_in(value))
    return parametrise(value)


def _is_silent(kind: str, value: str, platform: str) -> bool:
    """Whether the message says nothing but what the type and the codes say."""
    if kind in _OF_RUNTIMES and platform in _JVM:
        return not value.startswith(_BY_KOTLIN)  # others' words depend on the build
    if kind in _OF_BROWSERS and platform == _BROWSERS:
        return True
    return kind.endswith("Domain") and bool(error_codes(value))  # Apple's, in the user's language


def _missing_key(value: str) -> str:
    """A key that is a name; what is all in capitals may be a currency or a country."""
    key = _KEY.fullmatch(value)
    is_name = key and len(key[1]) >= _SHORTEST and not (key[1].isupper() and key[1].isalpha())
    return f"'{key[1]}'" if key and is_name else ""
