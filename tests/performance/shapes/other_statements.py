"""Requests that send statements many times, and rightly so."""

from tests.performance.shapes.shape import Sent, Shape, Way, run
from tests.performance.shapes.statements import AUTHOR, BOOKS, MONGO, PG

CURSOR = {**PG, "db.cursor": '<asyncpg.Cursor "SELECT a.id" 0x7f01>'}


def rightly(name: str, text: str, *, times: int = 12, op: str = "db", way: Way = "loop", **fields):
    """A shape with one statement that nobody should complain about."""
    made = {key: fields.pop(key) for key in ("data", "tags", "below", "status") if key in fields}
    return Shape(name, [run(times, Sent(op, text, **made), way=way)], **fields)


OTHER_STATEMENTS = [
    rightly("asyncpg reads a cursor in portions", "SELECT a.id FROM a", data=CURSOR),
    rightly("asyncpg of today", "SELECT a.id FROM a", op="db.cursor.fetch", data=CURSOR),
    rightly("django iterator", 'FETCH FORWARD 2000 FROM "_django_curs_1_sync_1"'),
    Shape("solved", [run(1, BOOKS), run(1, Sent("db", "SELECT * FROM a WHERE id IN (1, 2, 3)"))]),
    rightly("prefetch in batches", "SELECT * FROM a WHERE id IN (%s, %s, %s)", times=6),
    rightly("selectinload", "SELECT * FROM a WHERE a.id IN (__[POSTCOMPILE_pk_1])", times=6),
    rightly("dataloader with an array", "SELECT * FROM a WHERE id = ANY($1)", times=8),
    rightly(
        "entity framework's lists",
        "SELECT a.Id FROM a WHERE a.Id IN (SELECT value FROM OPENJSON(@p))",
    ),
    rightly("cql with a list", "SELECT * FROM a WHERE id IN ?", data={"db.system": "cassandra"}),
    rightly(
        "rails find_each",
        'SELECT "a".* FROM "a" WHERE "a"."id" > {i} ORDER BY "a"."id" ASC LIMIT 1000',
    ),
    rightly(
        "keyset of two columns",
        "SELECT * FROM a WHERE (at, id) < ($1, $2) ORDER BY at, id LIMIT 100",
    ),
    rightly(
        "laravel chunk", "select * from `a` order by `id` asc limit 1000 offset {i}", platform="php"
    ),
    rightly("mysql pages", "SELECT * FROM a LIMIT {i}, 100"),
    rightly(
        "pages of sql server", "SELECT a FROM a ORDER BY a OFFSET @p0 ROWS FETCH NEXT @p1 ROWS ONLY"
    ),
    rightly("ranges of ids", "SELECT * FROM a WHERE id BETWEEN {i} AND {n}"),
    rightly("ranges at once", "SELECT sum(x) FROM a WHERE at >= $1 AND at < $2", way="at once"),
    rightly(
        "prisma pages",
        'SELECT "A"."id" FROM "A" WHERE 1=1 ORDER BY "A"."id" ASC LIMIT $1 OFFSET $2',
    ),
    rightly(
        "getMore", '{"getMore":"?","collection":"a"}', data={**MONGO, "db.operation": "getMore"}
    ),
    rightly("mongodb with $in", '{"find":"a","filter":{"_id":{"$in":["?"]}}}', data=MONGO, times=6),
    rightly("mongodb pages", '{"find":"a","filter":{"b":"?"},"skip":{n},"limit":50}', data=MONGO),
    rightly(
        "indexes at start", '{"createIndexes":"a"}', data={**MONGO, "db.operation": "createIndexes"}
    ),
    rightly(
        "insertMany", '{"insertMany":"a"}', data={**MONGO, "db.operation": "insertMany"}, times=11
    ),
    rightly("scroll", "POST /_search/scroll", data={"db.system": "elasticsearch"}),
    rightly("bulk", "POST /books/_bulk", data={"db.system": "elasticsearch"}),
    rightly("batches of dynamodb", "aws.dynamodb.BatchGetItem", op="http.client"),
    rightly("pipelines", "redis.pipeline.execute", op="db.redis"),
    rightly("one key of redis", "GET 'settings'", op="db.redis", times=15),
    rightly("hidden keys of redis", "GET [Filtered]", op="db.redis", times=15),
    rightly("a queue in redis", "BRPOP jobs 1", op="db.redis", times=15),
    rightly("few keys of redis", "GET 'user:{i}'", op="db.redis", times=6),
    rightly("cache hits", "user:{i}", op="cache.get", data={"cache.hit": True}, times=20),
    rightly(
        "a cache in redis",
        "user:{i}",
        op="cache.get",
        times=20,
        below=[Sent("db.redis", "GET 'user:{i}'")],
    ),
    rightly(
        "a cache in a table",
        "user:{i}",
        op="cache.get",
        times=20,
        platform="php",
        below=[Sent("db.sql.query", "select * from `cache` where `key` = ?")],
    ),
    rightly(
        "rails' query cache",
        'SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2',
        op="db.sql.active_record",
        tags={"cached": True},
        platform="ruby",
    ),
    rightly("cache.hit on a statement", AUTHOR, data={"cache.hit": True}),
    rightly("memcached", "get user:{i}", op="cache", data={"db.system": "memcached"}, times=20),
    rightly("executemany", "INSERT INTO a VALUES (%s)", data={"db.executemany": True}, times=20),
    rightly("rows of values", "INSERT INTO a (b) VALUES ({i}), ({n})", times=20),
    rightly("inserts from a select", "INSERT INTO a SELECT * FROM b WHERE c = {i}", times=12),
    rightly("nine inserts", "INSERT INTO a (b) VALUES ($1)", times=9),
    rightly("retries", AUTHOR, status="internal_error"),
    rightly("polling for a job", "SELECT state FROM job WHERE id = $1", way="polling"),
    rightly("the next of a queue", "SELECT * FROM job WHERE x = 1 LIMIT 1 FOR UPDATE SKIP LOCKED"),
    rightly("pings", "SELECT 1"),
    rightly("sequences", "SELECT nextval('ids')", times=20),
    rightly("advisory locks", "SELECT pg_advisory_xact_lock($1)", times=20),
    rightly("catalogue of postgres", "SELECT oid FROM pg_type WHERE typname = $1"),
    rightly("catalogue of sql server", "SELECT name FROM sys.columns WHERE object_id = @p0"),
    rightly(
        "information schema",
        "SELECT column_name FROM information_schema.columns WHERE table_name = $1",
    ),
    rightly(
        "migrations", "SELECT version FROM schema_migrations WHERE version = {i}", platform="ruby"
    ),
    rightly("transactions", "BEGIN"),
    rightly("savepoints", "SAVEPOINT s_{i}"),
    rightly("settings of a session", "SET app.tenant = '{word}'"),
    rightly(
        "compiling",
        "DbSet<Author>().Where(a => a.Id == 1)",
        op="db.query.compile",
        platform="csharp",
    ),
    rightly("preparing", "SELECT * FROM a WHERE id = ?", op="db.sql.prepare", platform="php"),
    rightly("four look-ups", AUTHOR, times=4),
    rightly(
        "one query in each shard",
        "SELECT * FROM a WHERE b = $1",
        way="at once",
        times=8,
        data={**PG, "server.address": "shard-{n}.test"},
    ),
    rightly(
        "one count in each schema",
        "SELECT count(*) FROM a WHERE b = $1",
        times=8,
        data={**PG, "db.name": "tenant_{n}"},
    ),
    Shape(
        "different statements",
        [
            run(
                1,
                *(Sent("db", f"SELECT * FROM {table} WHERE id = $1") for table in "abcdefghijklm"),
            )
        ],
    ),
    Shape(
        "a dashboard at once",
        [
            run(
                1,
                *(Sent("db", f"SELECT count(*) FROM {t} WHERE x = $1") for t in "abcdefgh"),
                way="at once",
            )
        ],
        platform="node",
    ),
]
