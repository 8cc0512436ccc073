"""Statements in shapes that were written later, as a measure of what detectors miss."""

from tests.performance.shapes.shape import Sent, Shape, run
from tests.performance.shapes.statements import PG

SQLITE, MYSQL, ORACLE = {"db.system": "sqlite"}, {"db.system": "mysql"}, {"db.system": "oracle"}


def each(name: str, sent: Sent, *, times: int = 11, way="loop", **fields) -> Shape:
    """A shape of one span that is repeated."""
    return Shape(name, [run(times, sent, way=way)], **fields)


LATER_STATEMENTS = [
    # Statements, repeated and need not be.
    each(
        "peewee",
        Sent(
            "db",
            'SELECT "t1"."id" FROM "user" AS "t1" WHERE ("t1"."id" = ?) LIMIT ? OFFSET ?',
            SQLITE,
        ),
        statements=True,
    ),
    each(
        "pony",
        Sent("db", 'SELECT "id", "name" FROM "author" WHERE "id" = %(p1)s', PG),
        statements=True,
    ),
    each(
        "sequel of ruby",
        Sent("db.sql.sequel", "SELECT * FROM `authors` WHERE (`authors`.`id` = {i}) LIMIT 1"),
        statements=True,
        platform="ruby",
    ),
    each(
        "ecto",
        Sent("db", 'SELECT a0."id" FROM "authors" AS a0 WHERE (a0."id" = $1)', PG),
        statements=True,
        platform="elixir",
    ),
    each(
        "exposed",
        Sent("db.sql.query", "SELECT AUTHOR.ID FROM AUTHOR WHERE AUTHOR.ID = ?"),
        statements=True,
        platform="java",
    ),
    each(
        "room on android",
        Sent("db.sql.room", "SELECT * FROM author WHERE id = ?"),
        statements=True,
        platform="java",
        op="ui.load",
    ),
    each(
        "core data",
        Sent("db.sql.query", "SELECT 'Author' WHERE id == 7"),
        statements=True,
        platform="cocoa",
        op="ui.load",
    ),
    each(
        "sqflite",
        Sent("db.sql.query", "SELECT * FROM author WHERE id = ?", SQLITE),
        statements=True,
        platform="dart",
        op="ui.load",
    ),
    each(
        "mybatis",
        Sent("db.query", "select id, name from author where id = ? and deleted = 0", MYSQL),
        statements=True,
        platform="java",
    ),
    each(
        "jooq at once",
        Sent("db.query", 'select "a"."id" from "a" where "a"."id" = cast(? as int)', ms=9),
        way="at once",
        statements=True,
        platform="java",
    ),
    each(
        "dapper",
        Sent("db.query", "SELECT * FROM Orders WHERE CustomerId = @id"),
        statements=True,
        platform="csharp",
    ),
    each(
        "linq with nulls",
        Sent(
            "db.query",
            "SELECT [o].[Id] FROM [Orders] [o] WHERE [o].[A] = @a AND [o].[B] IS NULL ORDER BY x",
        ),
        statements=True,
        platform="csharp",
    ),
    each(
        "propel",
        Sent("db.sql.query", "SELECT id FROM author WHERE author.id={i}"),
        statements=True,
        platform="php",
    ),
    each(
        "wordpress meta",
        Sent(
            "db.sql.query",
            "SELECT post_id, meta_key FROM wp_postmeta WHERE post_id IN ({i}) ORDER BY meta_id ASC",
        ),
        statements=True,
        platform="php",
    ),
    each(
        "mikroorm",
        Sent("db", "select `a0`.* from `author` as `a0` where `a0`.`id` = ? limit ?", MYSQL),
        statements=True,
        platform="node",
    ),
    each(
        "kysely at once",
        Sent("db", 'select * from "author" where "author"."id" = $1', PG, 7),
        way="at once",
        statements=True,
        platform="node",
    ),
    each(
        "knex with comments",
        Sent("db", "select * from `a` where `id` = {i} limit 1 /*controller='b',trace='{hex}'*/"),
        statements=True,
        platform="node",
    ),
    each(
        "sqlcommenter before",
        Sent("db", "/* trace={hex} */ SELECT * FROM a WHERE id = %s"),
        statements=True,
    ),
    each(
        "a subselect for each",
        Sent("db", "SELECT * FROM a WHERE b = (SELECT max(b) FROM a WHERE c = %s)"),
        statements=True,
    ),
    each(
        "latest of each",
        Sent("db", "SELECT * FROM price WHERE sku = $1 ORDER BY at DESC LIMIT 1"),
        statements=True,
    ),
    each(
        "three newest of each",
        Sent("db", "SELECT * FROM comment WHERE post_id = $1 ORDER BY at DESC LIMIT 3"),
        statements=True,
    ),
    each(
        "since a day, of each",
        Sent("db", "SELECT sum(a) FROM sale WHERE shop = $1 AND at >= $2"),
        statements=True,
    ),
    each("like", Sent("db", "SELECT id FROM tag WHERE name LIKE {i}"), statements=True),
    each(
        "oracle binds", Sent("db", "SELECT name FROM author WHERE id = :1", ORACLE), statements=True
    ),
    each(
        "deletes of each",
        Sent("db", "DELETE FROM cart_line WHERE id = $1"),
        times=14,
        statements=True,
    ),
    each(
        "upserts",
        Sent("db", "INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO UPDATE SET c = $2"),
        times=14,
        statements=True,
    ),
    each(
        "mongodb counts",
        Sent("db", '{"count":"likes","query":{"post":"?"}}', {"db.system": "mongodb"}),
        statements=True,
        platform="node",
    ),
    each(
        "mongodb aggregates",
        Sent(
            "db",
            '{"aggregate":"sales","pipeline":[{"$match":{"shop":"?"}}],"cursor":{}}',
            {"db.system": "mongodb", "db.operation": "aggregate"},
        ),
        statements=True,
        platform="csharp",
    ),
    each(
        "mongodb of go",
        Sent(
            "db",
            "reviews.find",
            {"db.system": "mongodb", "db.operation": "find", "db.mongodb.collection": "reviews"},
        ),
        statements=True,
        platform="go",
    ),
    each(
        "elasticsearch of java",
        Sent(
            "db", "Elasticsearch/_search", {"db.system": "elasticsearch", "db.operation": "search"}
        ),
        statements=True,
        platform="java",
    ),
    each(
        "couchbase",
        Sent(
            "db",
            "get",
            {"db.system": "couchbase", "db.operation": "get", "db.collection.name": "users"},
        ),
        statements=True,
        platform="java",
    ),
    each(
        "cosmos",
        Sent(
            "db",
            "read_item users",
            {
                "db.system": "azure.cosmosdb",
                "db.operation.name": "read_item",
                "db.collection.name": "users",
            },
        ),
        statements=True,
    ),
    each(
        "spanner",
        Sent("db", "SELECT * FROM a WHERE id = @id", {"db.system": "spanner"}),
        statements=True,
        platform="go",
    ),
    each(
        "bigtable",
        Sent(
            "db",
            "ReadRow users",
            {
                "db.system": "bigtable",
                "db.operation.name": "ReadRow",
                "db.collection.name": "users",
            },
        ),
        statements=True,
        platform="go",
    ),
    each(
        "valkey in a loop",
        Sent("db", "HGET", {"db.system": "valkey", "db.redis.key": "cart:{i}"}),
        times=18,
        statements=True,
        platform="node",
    ),
    # Statements, repeated rightly.
    each("a spooled export", Sent("db", "FETCH 500 FROM c1"), platform="java"),
    each("counting cursors of psycopg", Sent("db", 'FETCH FORWARD 100 FROM "c"')),
    each(
        "pages by the last id",
        Sent("db", "SELECT * FROM a WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT 500"),
    ),
    each(
        "top pages",
        Sent("db.query", "SELECT TOP(100) * FROM a WHERE id > @p0 ORDER BY id"),
        platform="csharp",
    ),
    each(
        "rownum",
        Sent(
            "db",
            "SELECT * FROM (SELECT a.*, ROWNUM r FROM a WHERE ROWNUM <= :1) WHERE r > :2",
            ORACLE,
        ),
    ),
    each(
        "unnest", Sent("db", "SELECT * FROM a JOIN unnest($1::int[]) AS x(id) USING (id)"), times=7
    ),
    each(
        "values joined",
        Sent("db", "SELECT a.* FROM a JOIN (VALUES (1), (2), (3)) AS v (id) ON v.id = a.id"),
        times=7,
    ),
    each("a chain of ids", Sent("db", "SELECT * FROM a WHERE id = 1 OR id = 2 OR id = 3"), times=7),
    each(
        "jpa batches",
        Sent("db.query", "select a.id from a where a.post_id in (?,?,?,?)"),
        times=7,
        platform="java",
    ),
    each("array contains", Sent("db", "SELECT * FROM a WHERE id = ANY(ARRAY[$1,$2,$3])"), times=7),
    each("listening", Sent("db", "LISTEN jobs")),
    each("timeouts", Sent("db", "SET LOCAL statement_timeout = 500")),
    each("explain", Sent("db", "EXPLAIN SELECT * FROM a WHERE id = 1")),
    each("pragmas", Sent("db", "PRAGMA table_info('a')", SQLITE)),
    each("show", Sent("db", "SHOW FULL COLUMNS FROM `a`", MYSQL), platform="php"),
    each("last ids", Sent("db", "SELECT LAST_INSERT_ID()", MYSQL)),
    each("locks of mysql", Sent("db", "SELECT GET_LOCK(?, ?)", MYSQL)),
    each(
        "a heartbeat of a lease",
        Sent("db", "UPDATE lease SET at = now() WHERE id = $1"),
        way="polling",
    ),
    each(
        "waiting for replicas", Sent("db", "SELECT lag FROM replica WHERE id = $1"), way="polling"
    ),
    each("opening connections", Sent("db", "connect", PG)),
    each("pools of java", Sent("db.connection", "HikariPool.getConnection"), platform="java"),
    each(
        "six keys at once",
        Sent("db", "get user:{i}", {"db.system": "redis"}),
        times=6,
        way="at once",
        platform="node",
    ),
    each("locks in redis", Sent("db.redis", "SET 'lock:{i}' [Filtered] 'NX'"), times=15),
    each("counters in redis", Sent("db.redis", "INCR 'hits:{i}'"), times=15),
    each("scripts in redis", Sent("db.redis", "EVALSHA [Filtered]"), times=15),
    each("published", Sent("db.redis", "PUBLISH 'room:{i}'"), times=15),
    each("mget", Sent("db.redis", "MGET 'a:1' 'a:2'"), times=15),
    each("searching many", Sent("db", "POST /_msearch", {"db.system": "elasticsearch"})),
    each(
        "pings of mongodb",
        Sent("db", '{"ping":1}', {"db.system": "mongodb", "db.operation": "ping"}),
    ),
    each(
        "transactions of mongodb", Sent("db", '{"commitTransaction":1}', {"db.system": "mongodb"})
    ),
    each(
        "a cache of symfony",
        Sent(
            "cache.get", "k", below=[Sent("db.sql.query", "SELECT v FROM cache_items WHERE k = ?")]
        ),
        platform="php",
    ),
]
