"""The tables of one organization's telemetry, as queries and writes see them.

These objects create nothing: the steps in `schema/` do, in literal DDL. A change here needs a step
there, and a new column stands last, where `ALTER TABLE` puts it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)

from console.telemetry.dialect import Hex64, Hex128, JsonText, ListOf, UtcTimestamp
from console.telemetry.tag_parts import COLUMNS
from console.telemetry.web_vitals import METRICS

metadata = MetaData()

# No index and no key anywhere: DuckDB holds indexes in memory. Rows lie in the order of arrival, so
# the smallest and largest times of each row group let a question skip what is outside its range.

error_event = Table(
    "error_event",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("event_id", Hex128, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("client_timestamp", UtcTimestamp, nullable=False),
    Column("received_at", UtcTimestamp, nullable=False),
    Column("group_key", Hex64, nullable=False),
    Column("grouping_hash", Hex128, nullable=False),
    Column("category", String, nullable=False),
    Column("level", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("title", String, nullable=False),
    Column("culprit", String, nullable=False),
    Column("message", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("release", String, nullable=False),
    Column("transaction", String, nullable=False),
    Column("user_key", Hex64),
    Column("trace_id", Hex128),
    Column("span_id", Hex64),
    Column("handled", Boolean),
    Column("sdk", String, nullable=False),
    Column("tags", JsonText, nullable=False),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    *[Column(name, JsonText) for name in COLUMNS],
)

error_group = Table(
    "error_group",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("until", UtcTimestamp, nullable=False),
    Column("environment", String, nullable=False),
    Column("group_key", Hex64, nullable=False),
    Column("times", ListOf(UtcTimestamp), nullable=False),
    Column("users", ListOf(Hex64), nullable=False),
    Column("releases", ListOf(String), nullable=False),
)
"""Error events of past days again, the ones of a grouping hash together: a row holds the time, user
and release of up to some dozens, which lie between `timestamp` and `until`.
"""

error_period = Table(
    "error_period",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("until", UtcTimestamp, nullable=False),
)
"""From when until when `error_group` has every event of a project. Periods never overlap."""

span = Table(
    "span",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("trace_id", Hex128, nullable=False),
    Column("span_id", Hex64, nullable=False),
    Column("parent_span_id", Hex64),
    Column("segment_id", Hex64),
    Column("is_segment", Boolean, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("client_timestamp", UtcTimestamp, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("received_at", UtcTimestamp, nullable=False),
    Column("op", String, nullable=False),
    Column("name", String, nullable=False),
    Column("segment_name", String, nullable=False),
    Column("source", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("status", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("category", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("fingerprint", Hex64),
    Column("http_method", String, nullable=False),
    Column("http_route", String, nullable=False),
    Column("http_status", SmallInteger),
    Column("environment", String, nullable=False),
    Column("release", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("sdk", String, nullable=False),
    Column("server_name", String, nullable=False),
    Column("user_key", Hex64),
    Column("sample_rate", Float, nullable=False),
    Column("attributes", JsonText, nullable=False),
)

statement = Table(
    "statement",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("fingerprint", Hex64, nullable=False),
    Column("category", String, nullable=False),
    Column("system", String, nullable=False),
    Column("text", String, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("received_at", UtcTimestamp, nullable=False),
)
"""The normalised text of each fingerprint of a project's spans, as it was first seen."""

page_load = Table(
    "page_load",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("page_id", Hex64, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("client_timestamp", UtcTimestamp, nullable=False),
    Column("received_at", UtcTimestamp, nullable=False),
    Column("page", String, nullable=False),
    Column("path", String, nullable=False),
    Column("device", String, nullable=False),
    Column("navigation", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("release", String, nullable=False),
    Column("source", String, nullable=False),
    Column("user_key", Hex64),
    Column("trace_id", Hex128),
    Column("lcp", Double),
    Column("inp", Double),
    Column("cls", Double),
    Column("fcp", Double),
    Column("ttfb", Double),
    Column("fid", Double),
    Column("attribution", JsonText, nullable=False),
    *[Column(metric.bucket_column, SmallInteger) for metric in METRICS],
)
"""One visit of a page; it stores the bucket of each vital, because counting by logarithms took
three times as long.
"""

vital_day = Table(
    "vital_day",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("environment", String, nullable=False),
    Column("release", String, nullable=False),
    Column("device", String, nullable=False),
    Column("page", String, nullable=False),
    Column("metric", String, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("loads", Integer, nullable=False),
    Column("level", String, nullable=False),
)
"""Page loads of a day that is over, counted by bucket (`web_vitals.WebVital.bucket`).

Metric "" counts all page loads. A day is in it whole or not at all; `page_load` has the rest.
Each level counts all loads by some columns and leaves the others empty (`vitals.LEVELS`).
"""

session = Table(
    "session",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("session_id", Hex128, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("client_timestamp", UtcTimestamp, nullable=False),
    Column("received_at", UtcTimestamp, nullable=False),
    Column("environment", String, nullable=False),
    Column("release", String, nullable=False),
    Column("status", String, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("duration_ms", BigInteger),
    Column("user_key", Hex64),
)
"""One session as its last update left it, or several that a server counted by the minute."""

presence = Table(
    "presence",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("until", UtcTimestamp, nullable=False),
    Column("environment", String, nullable=False),
    Column("user_key", Hex64, nullable=False),
    Column("hours", Integer, nullable=False),
    Column("everywhere", Integer, nullable=False),
)
"""Whom the records of a past period name, of whatever kind, each person once per environment.

A period is some UTC days. `hours` has a bit for each hour of the day in which the person was there;
`everywhere` the same of all environments, in one of the person's rows, and is 0 in the others.
"""

presence_period = Table(
    "presence_period",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("until", UtcTimestamp, nullable=False),
)
"""The periods of a project that `presence` has whole, also those in which nobody was there."""

check_result = Table(
    "check_result",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("result_id", Hex128, nullable=False),
    Column("check_id", Integer, nullable=False),
    Column("slug", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("release", String, nullable=False),
    Column("timestamp", UtcTimestamp, nullable=False),
    Column("client_timestamp", UtcTimestamp, nullable=False),
    Column("received_at", UtcTimestamp, nullable=False),
    Column("outcome", String, nullable=False),
    Column("state", String, nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("maintenance", Boolean, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("duration_us", BigInteger),
    Column("http_status", SmallInteger),
    Column("why", String, nullable=False),
    Column("answered", String, nullable=False),
    Column("certificate_days", Double),
    Column("domain_days", Double),
)
"""One try, ping or check-in of a check."""

applied = Table(
    "applied",
    metadata,
    Column("organization_id", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
)
"""One row: the organization of the file, and the spool position up to which it is written."""

file_version = Table("file_version", metadata, Column("version", Integer, nullable=False))
"""One row: the last of the steps in `schema/` that this file has gone through."""


def group_key(grouping_hash: str) -> str:
    """The half of a grouping hash that queries search by: it is scanned 4 times as fast.

    Two of 100,000 hashes of one project share it with a probability of 3 in 10 billion.
    """
    return grouping_hash[:16]
