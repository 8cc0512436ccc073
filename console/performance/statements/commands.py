"""Commands of databases that speak no SQL: verb, collection, and the rest without its values.

MongoDB, Redis, Elasticsearch, DynamoDB and what clients call `getDocs users` have one form each,
`find reviews {"filter":{"product":?}}`, `GET user:?`, `search books`, `GetItem orders`, made of the
attributes of OpenTelemetry's conventions ("Database spans") and of the text, which some clients
leave out and others cut.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from console.performance.statements.normal import normalise

READING = frozenset(
    re.findall(
        r"\S+",
        """find findOne findById findMany findUnique findFirst findOneOrFail aggregate count
    countDocuments estimatedDocumentCount distinct exists getDoc getDocs
    search get msearch mget explain suggest scroll getMore listCollections listIndexes
    GetItem BatchGetItem Query Scan TransactGetItems query select
    GET MGET GETEX GETRANGE STRLEN EXISTS TYPE TTL HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS
    LRANGE LINDEX LLEN SMEMBERS SISMEMBER SCARD SRANDMEMBER ZRANGE ZREVRANGE ZRANGEBYSCORE ZSCORE
    ZRANK ZCARD SCAN HSCAN SSCAN ZSCAN JSON.GET JSON.MGET""",
    )
)
WRITING = frozenset(
    re.findall(
        r"\S+",
        """insert insertOne insertMany update updateOne updateMany delete deleteOne deleteMany
    remove save create findAndModify findOneAndUpdate findOneAndDelete findOneAndReplace
    findByIdAndUpdate replaceOne bulkWrite createIndexes drop addDoc setDoc updateDoc deleteDoc
    index bulk update_by_query delete_by_query upsert mutation
    PutItem UpdateItem DeleteItem BatchWriteItem TransactWriteItems
    SET SETEX SETNX MSET DEL UNLINK EXPIRE INCR INCRBY DECR HSET HMSET HDEL HINCRBY LPUSH RPUSH
    SADD SREM ZADD ZREM JSON.SET""",
    )
)
# One row, or the rows of one, by a loop: what reads portions, lists or schemas is not among them.
LOOK_UPS = READING - frozenset(
    re.findall(
        r"\S+",
        """findMany msearch mget scroll explain suggest getMore listCollections listIndexes
    BatchGetItem Scan TransactGetItems MGET SCAN HSCAN SSCAN ZSCAN JSON.MGET TTL TYPE""",
    )
)
SINGLE_WRITES = frozenset(
    re.findall(
        r"\S+",
        """insert insertOne update updateOne delete deleteOne remove save create findAndModify
    findOneAndUpdate findOneAndDelete findOneAndReplace findByIdAndUpdate replaceOne addDoc setDoc
    updateDoc deleteDoc index upsert PutItem UpdateItem DeleteItem""",
    )
)
# What other clients call theirs: read_item, ReadRow, MutateRow.
_READ = r"(?:get|read|find|fetch|lookup|Get|Read|Find|Fetch|Lookup)(?:_|[A-Z])\w+"
_WRITE = (
    r"(?:put|insert|update|delete|upsert|replace|mutate|Put|Insert|Update|Delete|Upsert|Mutate)"
    r"(?:_|[A-Z])\w+"
)


def _pattern(verbs: frozenset[str], similar: str) -> str:
    """A regular expression for the commands of these verbs; in Redis a key alone follows."""
    names = sorted(map(re.escape, verbs))
    redis = "|".join(name for name in names if name.isupper())
    plain = "|".join(name for name in names if not name.isupper())
    return rf"^({plain}|{similar})( |$)|^({redis})( \S+)?$"


READS, WRITES = _pattern(READING, _READ), _pattern(WRITING, _WRITE)
_OF_MANY = re.compile(r"many|batch|multi|all|list|rows|items|docs|documents", re.IGNORECASE)
_REDIS = frozenset({"redis", "valkey", "keydb", "dragonfly"})
_DOCUMENTS = frozenset(
    {"mongodb", "mongoose", "cosmosdb", "azure.cosmosdb", "couchbase", "firestore"}
)
_SEARCH = frozenset({"elasticsearch", "opensearch"})
_DYNAMO = frozenset({"dynamodb", "aws.dynamodb"})
_SQL = re.compile(
    r"[\s(]*(?:/\*|--|(?:SELECT|WITH|INSERT|UPDATE|DELETE|MERGE|REPLACE|BEGIN|COMMIT|ROLLBACK|SAVEPOINT"
    r"|RELEASE|SET|SHOW|CALL|EXEC\w*|CREATE|ALTER|DROP|TRUNCATE|FETCH|DECLARE|PRAGMA|EXPLAIN|MATCH"
    r"|UPSERT|VALUES|TABLE|COPY|LOCK|START)\b)",
    re.IGNORECASE,
)
_COLLECTIONS = (
    "db.collection.name",
    "db.mongodb.collection",
    "db.elasticsearch.path_parts.index",
    "db.cassandra.table",
    "db.sql.table",
    "db.table",
    "aws.dynamodb.table_names",
)
# What a driver adds to each command.
_NOISE = frozenset(
    {"$db", "lsid", "$clusterTime", "signature", "$readPreference", "txnNumber", "cursor",
     "batchSize", "maxTimeMS", "apiVersion", "readConcern", "writeConcern", "ordered"}
)  # fmt: skip
_AWS = re.compile(r"(?:aws\.)?dynamodb[./ ](\w+)", re.IGNORECASE)
_REST = re.compile(r"(?:(GET|POST|PUT|DELETE|HEAD)\s+)?/?([^\s?]+)")
_ENDPOINTS = {"_doc": "get", "_source": "get", "_search": "search", "_count": "count"}
_OF_METHODS = {"PUT": "index", "POST": "index", "DELETE": "delete"}
_VARIABLE = re.compile(
    r"\d+|[0-9a-f]{8,}(?:-[0-9a-f]{4,})*|[^:]*@[^:]*|[^:]*\d[^:]*|\[Filtered\]|\?|%s", re.IGNORECASE
)
_LONGEST_KEY, _LONGEST = 100, 4096


def is_aws_call(attributes: Mapping[str, Any], name: str) -> bool:
    """Whether a span of an AWS client, which sends HTTP, is a call of DynamoDB."""
    service = str(attributes.get("rpc.service") or attributes.get("aws.service_id") or "")
    return service.lower() == "dynamodb" or bool(_AWS.match(name))


def command(text: str, op: str, attributes: Mapping[str, Any]) -> str:
    """The command of a database span as `verb collection rest`; "" if it is SQL or says nothing."""
    system = str(attributes.get("db.system.name") or "").lower()
    verb = str(attributes.get("db.operation.name") or "")
    if system in _REDIS or op.startswith("db.redis"):
        return _of_redis(text, verb, str(attributes.get("db.redis.key") or ""))
    collection = _collection(attributes)
    if system in _SEARCH:
        return _of_search(text, verb, collection)
    if system in _DYNAMO or is_aws_call(attributes, text):
        named = _AWS.match(text)
        verb = verb.rpartition(".")[2] or str(attributes.get("rpc.method") or "")
        verb = verb or (named[1] if named else text.partition(" ")[0])
        return f"{verb} {collection}".strip() if not _SQL.match(text) else ""
    if system in _DOCUMENTS or text.startswith("{"):
        return _of_document(text, verb, collection)
    if verb and collection and not _SQL.match(text):
        is_name = set(re.findall(r"\w+", text)) <= {verb, collection}
        return f"{verb} {collection} {'' if is_name else normalise(text)}"[:_LONGEST].strip()
    return ""


def parts(statement: str) -> tuple[str, str]:
    """Verb and collection of a command; ("", "") for SQL."""
    verb, _, rest = statement.partition(" ")
    if _reads(verb) or _writes(verb):
        name, _, more = rest.partition(" ")
        if more and verb.isupper():
            return "", ""  # SET search_path TO …
        return verb, "" if name.startswith(("{", "?")) else name
    return "", ""


def looks_up(verb: str) -> bool:
    """Whether a command reads one row, or the rows of one."""
    return verb in LOOK_UPS or (verb not in READING and _reads(verb) and not _OF_MANY.search(verb))


def writes_single(verb: str) -> bool:
    """Whether a command writes one row."""
    is_known = verb in WRITING
    return verb in SINGLE_WRITES or (not is_known and _writes(verb) and not _OF_MANY.search(verb))


def _reads(verb: str) -> bool:
    return verb in READING or bool(re.fullmatch(_READ, verb))


def _writes(verb: str) -> bool:
    return verb in WRITING or bool(re.fullmatch(_WRITE, verb))


def _collection(attributes: Mapping[str, Any]) -> str:
    for name in _COLLECTIONS:
        value = attributes.get(name)
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else ""
        if value and isinstance(value, str):
            return value[:_LONGEST_KEY]
    return ""


def _of_document(text: str, verb: str, collection: str) -> str:
    """A command of MongoDB or its kin, whichever of text and attributes says what."""
    sent = _object(text)
    named = next((key for key in sent if key == verb or key in READING | WRITING), "")
    names = named if named and isinstance(sent[named], str) else "collection"  # of getMore
    if named and isinstance(sent.get(names), str):
        collection = collection or sent[names]
        verb = verb or named
    if not verb or not collection:
        stated, collection = _of_name(text, collection)
        verb = verb or stated
    if not verb:
        return ""
    rest = {key: value for key, value in sent.items() if key not in _NOISE | {named, names}}
    detail = _shape(rest) if rest else ""
    if not sent and text.startswith("{"):
        detail = normalise(text)  # cut by the client
    return f"{verb} {collection} {detail}".strip()[:_LONGEST]


def _of_name(text: str, collection: str) -> tuple[str, str]:
    """Verb and collection of a name: "mongoose.User.findOne", "find shop.reviews", "get a/17"."""
    for word in re.split(r"[\s(]", text, maxsplit=1)[0].split("."):
        if word in READING or word in WRITING:
            names = [part for part in re.split(r"[\s.(]+", text) if part and part != word]
            names = [name for name in names if name not in {"mongoose", "mongodb"}]
            return word, collection or (_documents_path(names[-1]) if names else "")
    return "", collection


def _documents_path(path: str) -> str:
    """A path of Firestore: collections at its even places, each followed by a document's id."""
    return "/".join("?" if place % 2 else part for place, part in enumerate(path.split("/")))


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _object(text: str) -> dict[str, Any]:
    value = _parsed(text) if text.startswith("{") else None
    return value if isinstance(value, dict) else {}


def _shape(value: Any, depth: int = 0) -> str:
    """A value as JSON with `?` for what is no name; a list has each of its shapes once."""
    if isinstance(value, dict) and depth < 12:
        fields = dict.fromkeys(
            f"{_key(key)}:{_shape(item, depth + 1)}" for key, item in value.items()
        )
        return "{" + ",".join(fields) + "}"
    if isinstance(value, list) and depth < 12:
        return "[" + ",".join(dict.fromkeys(_shape(item, depth + 1) for item in value)) + "]"
    return "?"


def _key(name: str) -> str:
    return "?" if re.fullmatch(r"\d+|[0-9a-f-]{24,}", name) else f'"{name}"'


def _of_redis(text: str, verb: str, key: str) -> str:
    lines = text.strip().splitlines()
    words = lines[0].split() if lines else []
    if len(lines) > 1 or (
        words and ("pipeline" in words[0].lower() or words[0].upper() == "MULTI")
    ):
        return "PIPELINE"
    first = words[0].removeprefix("redis-").rpartition(" ")[2] if words else ""
    verb = (verb or first).upper()
    if not verb:
        return ""
    keys = words[1:] if first.upper() == verb else words
    key = keys[0].lstrip("b").strip("'\"") if keys else key
    return f"{verb} {_key_shape(key)}".strip()


def _key_shape(key: str) -> str:
    """A key of Redis with `?` for what differs: "user:17:cart" is "user:?:cart"."""
    parts = key[:_LONGEST_KEY].split(":")
    return ":".join("?" if _VARIABLE.fullmatch(part) else part for part in parts)


def _of_search(text: str, verb: str, collection: str) -> str:
    """A request of Elasticsearch: its operation and index, and the body's shape."""
    if text.startswith("{"):
        body = _object(text)
        return (
            f"{verb or 'search'} {collection} {_shape(body) if body else normalise(text)}".strip()
        )
    rest = _REST.match(text)
    if rest and "/" in text:
        path = rest[2].strip("/").split("/")
        endpoint = next((part for part in path if part.startswith("_")), "")
        endpoint = "_scroll" if "scroll" in path else endpoint
        collection = collection or (path[0] if not path[0].startswith("_") else "")
        verb = verb or _of_endpoint(rest[1] or "", endpoint)
    return f"{verb or text.partition(' ')[0]} {collection}".strip()


def _of_endpoint(method: str, endpoint: str) -> str:
    if endpoint in {"_doc", "_create", ""} and method in _OF_METHODS:
        return _OF_METHODS[method]
    return _ENDPOINTS.get(endpoint) or endpoint.lstrip("_") or "get"
