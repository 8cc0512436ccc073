"""Checks every request in one place: text that no database or codec takes is refused."""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from functools import cached_property
from io import BytesIO
from typing import IO, Any
from urllib.parse import parse_qsl

import orjson
from flask import Flask, Request, abort, request
from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from console.core.urls import split_url

MOST_PARAMETERS = 1_000
FORM_LIMIT = 1 << 20  # bytes of what a browser sends; ingest has limits of its own
# NUL, which PostgreSQL has no place for, and halves of surrogate pairs, which nothing can encode.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# All that may end a line or a text in a header, but for the tab.
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
NUL_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
LONGEST_PEER = 64  # characters of who asks, as the columns for it hold
URL_HEADERS = ("HTTP_HX_CURRENT_URL", "HTTP_ORIGIN", "HTTP_REFERER")


def init_app(app: Flask) -> None:
    """Let the app read requests this way; before all that looks at one."""
    # Werkzeug has no limit: a file that no form asks for would be read, whatever its size.
    app.config["MAX_CONTENT_LENGTH"] = FORM_LIMIT
    app.config["MAX_FORM_PARTS"] = MOST_PARAMETERS
    app.request_class = ReadRequest
    app.before_request(_refuse_unreadable_address)


def clean(text: str) -> str:
    """The text without the characters that cannot be stored."""
    return UNSTORABLE.sub("", text)


class FormParser(FormDataParser):
    """Werkzeug's parser, with a limit of fields also for the encoding that browsers use."""

    def _parse_urlencoded(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> tuple[IO[bytes], MultiDict[str, Any], MultiDict[str, Any]]:
        del mimetype, content_length, options
        return stream, self.cls(_pairs(stream.read())), self.cls()


class Fields(BytesIO):
    """Where a file that was sent waits in memory, within the limit of a form, until its end."""


class JsonReader:
    """How the bodies of the API are read: in bounded depth, and without what cannot be stored."""

    @staticmethod
    def loads(body: bytes, **_options: Any) -> Any:
        """Read JSON; Flask makes 400 of a ValueError.

        Editors and shells on Windows write a mark before it, or UTF-16.
        """
        if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            body = body.decode("utf-16").encode()
        body = body.removeprefix(BOM_UTF8)
        if NUL_IN_JSON.search(body):
            raise ValueError("a text holds a NUL character")
        return orjson.loads(body)  # refuses halves of surrogate pairs, NaN and a depth of 1,024


class ReadRequest(Request):
    """A request whose query, form, cookies and headers hold only what can be stored.

    A path or a query with another character is refused as a whole before any view is called; in a
    form and in cookies it is left out, as a browser's own field would. A file is no text: where a
    form expects a text, the field counts as missing.
    """

    form_data_parser_class = FormParser
    sent_files: MultiDict[str, FileStorage] | None = None
    """The files of a form, in memory, for a view that expects one; once its form was read."""

    def __init__(
        self,
        environ: dict[str, Any],
        populate_request: bool = True,  # noqa: FBT001, FBT002 - Werkzeug's signature
        shallow: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> None:
        """Clean the headers where they stand, so that whoever reads them reads them so."""
        for name, value in list(environ.items()):
            if name.startswith("HTTP_") and CONTROL.search(value):
                environ[name] = CONTROL.sub("", value)
        for name in URL_HEADERS:
            if name in environ and not is_url(environ[name]):
                del environ[name]
        environ["REMOTE_ADDR"] = environ.get("REMOTE_ADDR", "")[:LONGEST_PEER]
        super().__init__(environ, populate_request, shallow)

    @property
    def json_module(self) -> Any:
        """Whatever Flask sets: it gives each request the application's own reader."""
        return JsonReader

    @json_module.setter
    def json_module(self, _provider: Any) -> None:
        pass

    @property
    def is_json(self) -> bool:
        """Scripts send JSON to the API; a page's form that came as JSON would not hold texts."""
        return super().is_json and self.path.startswith("/api/")

    @property
    def address(self) -> str:
        """The path as browsers have it, with the one that the console is below."""
        return f"{self.script_root}{self.path}"

    @property
    def full_path(self) -> str:
        """The same with the query, and a question mark without one."""
        return f"{self.script_root}{super().full_path}"

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The query; 400 for more parameters than any page has."""
        try:
            return self.parameter_storage_class(_pairs(self.query_string))
        except RequestEntityTooLarge:
            abort(400, f"The address has more than {MOST_PARAMETERS:,} parameters.")

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        pairs = super().cookies.items(multi=True)
        return ImmutableMultiDict((clean(name), clean(value)) for name, value in pairs)

    def _get_file_stream(self, *_about: Any, **_named: Any) -> IO[bytes]:
        return Fields()

    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        super()._load_form_data()
        sent: MultiDict[str | None, str] = self.__dict__["form"]
        named = ((name, value) for name, value in sent.items(multi=True) if name is not None)
        pairs = ((clean(name), clean(value)) for name, value in named)
        self.__dict__["form"] = self.parameter_storage_class(pairs)
        self.sent_files = self.__dict__["files"]
        self.__dict__["files"] = self.parameter_storage_class()


def is_url(text: str) -> bool:
    """Whether the text can be taken apart as an address."""
    try:
        _port = split_url(text).port
    except ValueError:
        return False
    return True


def _pairs(query: bytes) -> list[tuple[str, str]]:
    """Names and values; bytes that are no UTF-8 stay percent-encoded, raw ones become so."""
    if query.count(b"&") >= MOST_PARAMETERS:
        raise RequestEntityTooLarge
    text = query.decode(errors="werkzeug.url_quote")
    return parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote")


def _refuse_unreadable_address() -> None:
    try:
        _host = request.host_url  # what links are made of; it takes the name apart
    except ValueError:
        abort(400, "The request is for a host whose name cannot be one.")
    if UNSTORABLE.search(request.path):
        abort(400, "The address holds a NUL character, which no name has.")
    for name, value in request.args.items(multi=True):
        if UNSTORABLE.search(name + value):
            abort(400, f"{clean(name)}: it holds a NUL character, which no text has.")
