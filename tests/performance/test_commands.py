"""Commands of databases without SQL, and what clients time beside their statements."""

import re

import pytest

from console.ingest.sentry import items as sentry
from console.performance.describe import statement_of
from console.performance.statements.text import READS, WRITES, tables, verb
from tests.ingest.corpus.reading import context, item
from tests.performance.segments import row
from tests.performance.shapes.shape import NOON

MONGO = {"db.system.name": "mongodb"}
FIND = {**MONGO, "db.operation.name": "find", "db.collection.name": "reviews"}
REDIS = {"db.system.name": "redis"}
SEARCH = {"db.system.name": "elasticsearch"}


@pytest.mark.parametrize(
    ("text", "attributes", "statement", "does", "to"),
    [
        ('{"filter":{"product":"?"},"find":"reviews"}', FIND,
         'find reviews {"filter":{"product":?}}', "FIND", ("reviews",)),
        ('{"product":"?"}', FIND, 'find reviews {"product":?}', "FIND", ("reviews",)),
        ('{"find": "a", "filter": {"_id": {"$in": [1, 2]}}, "lsid": {"id": 7}}', MONGO,
         'find a {"filter":{"_id":{"$in":[?]}}}', "FIND", ("a",)),
        ('{"find": "reviews", "filter": {"product": "la', FIND,
         'find reviews {"find": "reviews", "filter": {"product": ?', "FIND", ("reviews",)),
        ('{"getMore": 71, "collection": "orders", "batchSize": 9}', {"db.system.name": "mongodb"},
         "getMore orders", "GETMORE", ("orders",)),
        ("find shop.orders", {"db.system.name": "mongodb", "db.operation.name": "find"},
         "find orders", "FIND", ("orders",)),
        ("get users/u17/carts/c9", {"db.system.name": "firestore", "db.operation.name": "get"},
         "get users/?/carts/?", "GET", ("users/?/carts/?",)),
        ("mongoose.User.findOne", {"db.system.name": "mongoose"},
         "findOne User", "FINDONE", ("User",)),
        ("reviews.insert", {**FIND, "db.operation.name": "insert"},
         "insert reviews", "INSERT", ("reviews",)),
        ("GET 'user:17:cart'", REDIS, "GET user:?:cart", "GET", ("user:?:cart",)),
        ("hgetall cart:9f3", REDIS, "HGETALL cart:?", "HGETALL", ("cart:?",)),
        ("SET 'user:17' [Filtered]", REDIS, "SET user:?", "SET", ("user:?",)),
        ("redis-GET", {**REDIS, "db.redis.key": "a:1"}, "GET a:?", "GET", ("a:?",)),
        ("redis.pipeline.execute", REDIS, "PIPELINE", "PIPELINE", ()),
        ("GET /books/_doc/17", SEARCH, "get books", "GET", ("books",)),
        ("POST /books/_search?size=1", SEARCH, "search books", "SEARCH", ("books",)),
        ('{"query":{"term":{"a":1}}}', {**SEARCH, "db.elasticsearch.path_parts.index": "books"},
         'search books {"query":{"term":{"a":?}}}', "SEARCH", ("books",)),
        ("aws.dynamodb.GetItem", {}, "GetItem", "GETITEM", ()),
        ("DynamoDB.Query", {"rpc.service": "DynamoDB", "aws.dynamodb.table_names": ["orders"]},
         "Query orders", "QUERY", ("orders",)),
        ("from(users)", {"db.operation.name": "select", "db.table": "users"},
         "select users FROM (users)", "SELECT", ("users",)),
        ("getDocs users", {"db.operation.name": "getDocs", "db.collection.name": "users"},
         "getDocs users", "GETDOCS", ("users",)),
        ("SELECT a FROM k.t WHERE b=1", {"db.system.name": "cassandra", "db.cassandra.table": "t"},
         "SELECT a FROM k.t WHERE b = ?", "SELECT", ("k.t",)),
        ("SET search_path TO a", {}, "SET search_path TO a", "SET", ()),
        ("exec sp_executesql N'SELECT a FROM b WHERE c = @p0 AND d = ''x''', N'@p0 int', 5", {},
         "SELECT a FROM b WHERE c = ? AND d = ?", "SELECT", ("b",)),
    ],
)  # fmt: skip
def test_a_command_has_a_verb_a_collection_and_no_values(text, attributes, statement, does, to):
    op = "http.client" if text.startswith("aws.") else "db"
    span = row(text, op, span_id="a" * 16, attributes=attributes)
    assert (span.category, statement_of("db", span)) == ("db", statement)
    assert (verb(statement), tables(statement)) == (does, to)


@pytest.mark.parametrize(
    ("statement", "reads", "writes"),
    [
        ("findOne users", True, False), ("insert lines {}", False, True),
        ("GET user:?", True, False), ("SET user:?", False, True),
        ("SET search_path TO a", False, False), ("GetItem", True, False),
        ("findings of nothing", False, False),
    ],
)  # fmt: skip
def test_commands_read_or_write(statement, reads, writes):
    assert bool(re.search(READS, statement)) == reads
    assert bool(re.search(WRITES, statement)) == writes


@pytest.mark.parametrize("op", ["db.query.compile", "db.sql.prepare", "db.connection"])
def test_what_is_timed_beside_a_statement_is_no_call(op):
    span = row("SELECT a FROM b", op, span_id="a" * 16)
    assert (span.category, span.fingerprint) == ("db", "")


def test_a_cursor_that_is_read_in_portions_is_one_call_of_its_statement():
    spans = [
        {
            "span_id": f"{number:016x}",
            "parent_span_id": "f" * 16,
            "op": "db",
            "description": "SELECT a.id FROM a",
            "start_timestamp": NOON.timestamp() - 9 + number * 0.01,
            "timestamp": NOON.timestamp() - 9 + number * 0.01 + 0.004,
            "data": {"db.cursor": '<asyncpg.Cursor "SELECT a.id" 0x7f01>'},
        }
        for number in range(1, 13)
    ]
    event = {
        "type": "transaction",
        "transaction": "GET /export",
        "contexts": {"trace": {"trace_id": "a" * 32, "span_id": "f" * 16, "op": "http.server"}},
        "start_timestamp": NOON.timestamp() - 9,
        "timestamp": NOON.timestamp() - 8,
        "spans": spans,
    }
    decoded = sentry.decode(item("transaction", event), context(NOON))
    statements = [span.statement for span in decoded.spans if span.category == "db"]
    assert statements == ["SELECT a.id FROM a"] + ["FETCH (SELECT a.id FROM a)"] * 11
    assert len({span.fingerprint for span in decoded.spans if span.category == "db"}) == 2
    assert tables(statements[1]) == ("a",)
