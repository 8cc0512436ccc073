"""Statements in a last round of shapes, written after the detectors had been mended twice."""

from tests.performance.shapes.later_statements import each
from tests.performance.shapes.shape import Sent

LATEST_STATEMENTS = [
    each(
        "tortoise",
        Sent("db", 'SELECT "name","id" FROM "team" WHERE "id"=$1', {"db.system": "postgresql"}),
        statements=True,
    ),
    each(
        "sqlmodel async",
        Sent("db", "SELECT hero.id, hero.name \nFROM hero \nWHERE hero.id = $1::INTEGER"),
        statements=True,
    ),
    each(
        "rails polymorphic",
        Sent(
            "db.sql.active_record",
            'SELECT "images".* FROM "images" WHERE "owner_id" = $1 AND "owner_type" = $2 LIMIT $3',
        ),
        statements=True,
        platform="ruby",
    ),
    each(
        "rails pluck",
        Sent(
            "db.sql.active_record",
            'SELECT "t"."n" FROM "t" JOIN "u" ON "t"."id" = "u"."t_id" WHERE "u"."b" = {i}',
        ),
        statements=True,
        platform="ruby",
    ),
    each(
        "laravel pivot",
        Sent(
            "db.sql.query",
            "select `r`.* from `r` inner join `u` on `r`.`id` = `u`.`r` where `u`.`b` = ?",
        ),
        statements=True,
        platform="php",
    ),
    each(
        "laravel one id in list",
        Sent("db.sql.query", "select * from `users` where `users`.`id` in ({i})"),
        statements=True,
        platform="php",
    ),
    each(
        "drupal",
        Sent(
            "db.sql.query",
            "SELECT base.nid FROM node base WHERE base.nid IN (:db_condition_placeholder_0)",
        ),
        statements=True,
        platform="php",
    ),
    each(
        "hibernate collection",
        Sent("db.query", "select o1_0.author_id,o1_0.id from book o1_0 where o1_0.author_id=?"),
        statements=True,
        platform="java",
    ),
    each(
        "spring exists",
        Sent("db.query", "select u.id from users u where u.email=? fetch first ? rows only"),
        statements=True,
        platform="java",
    ),
    each(
        "ef first",
        Sent("db.query", 'SELECT u."Id" FROM "Users" AS u WHERE u."Id" = @__p_0 LIMIT 1'),
        statements=True,
        platform="csharp",
    ),
    each(
        "nhibernate",
        Sent(
            "db.query", "SELECT c.Id FROM Customer c WHERE c.Id=@p0;@p0 = {i} [Type: Int32 (0:0:0)]"
        ),
        statements=True,
        platform="csharp",
    ),
    each(
        "ent of go",
        Sent("db.sql.query", "SELECT `users`.`id` FROM `users` WHERE `users`.`id` = ? LIMIT 2"),
        statements=True,
        platform="go",
    ),
    each(
        "bun of go",
        Sent("db.sql.query", 'SELECT "u"."id" FROM "users" AS "u" WHERE (id = {i})'),
        statements=True,
        platform="go",
    ),
    each(
        "sequelize",
        Sent("db", 'SELECT "id" FROM "Users" AS "User" WHERE "User"."id" = {i};'),
        statements=True,
        platform="node",
    ),
    each(
        "better-sqlite3",
        Sent("db", "SELECT * FROM t WHERE id = ?"),
        statements=True,
        platform="node",
    ),
    each(
        "tedious",
        Sent("db", "select name from t where id = @id", {"db.system": "mssql"}),
        statements=True,
        platform="node",
    ),
    each(
        "drizzle at once",
        Sent("db", 'select "id" from "users" where "users"."id" = $1 limit $2', ms=4),
        way="at once",
        statements=True,
        platform="node",
    ),
    each(
        "json of postgres",
        Sent("db", "SELECT data->>'a' FROM t WHERE data->>'id' = $1"),
        statements=True,
    ),
    each(
        "spatial",
        Sent("db", "SELECT id FROM place WHERE ST_DWithin(geom, $1, 500)"),
        statements=True,
    ),
    each(
        "window per row",
        Sent(
            "db",
            "SELECT x FROM (SELECT x, row_number() OVER (ORDER BY y) n FROM t WHERE k = %s) s",
        ),
        statements=True,
    ),
    each(
        "mongo findById of spring",
        Sent(
            "db",
            "find users",
            {
                "db.system": "mongodb",
                "db.operation": "find",
                "db.mongodb.collection": "users",
                "db.statement": '{"find": "users", "filter": {"_id": "?"}, "limit": 1}',
            },
        ),
        statements=True,
        platform="java",
    ),
    each(
        "mongoid",
        Sent(
            "db",
            '{"find"=>"users", "filter"=>{"_id"=>"?"}}',
            {"db.system": "mongodb", "db.operation": "find", "db.collection.name": "users"},
        ),
        statements=True,
        platform="ruby",
    ),
    each(
        "updateOne",
        Sent(
            "db",
            '{"update":"users","updates":[{"q":{"_id":"?"},"u":{"$set":{"a":"?"}}}]}',
            {"db.system": "mongodb", "db.operation": "update"},
        ),
        times=12,
        statements=True,
        platform="node",
    ),
    each(
        "opensearch get",
        Sent("db", "GET /books/_doc/{hex}?routing=a", {"db.system": "opensearch"}),
        statements=True,
    ),
    each(
        "ioredis smembers",
        Sent("db", "smembers room:{i}", {"db.system": "redis"}),
        times=12,
        statements=True,
        platform="node",
    ),
    each(
        "rails cache read_multi",
        Sent("cache.get", "views/{i}", below=[Sent("db.redis", "MGET a b")]),
        platform="ruby",
    ),
    each(
        "solid cache",
        Sent(
            "cache.get",
            "views/{i}",
            below=[
                Sent(
                    "db.sql.active_record",
                    'SELECT "v" FROM "solid_cache_entries" WHERE "key_hash" = {i}',
                )
            ],
        ),
        platform="ruby",
    ),
    each("session table", Sent("db", "SELECT * FROM session WHERE key = %s"), times=3),
    each(
        "select in of hibernate",
        Sent("db.query", "select a.id from a where a.b in (?,?)"),
        platform="java",
    ),
    each("in with pad", Sent("db", "SELECT * FROM t WHERE id IN ($1, $2)"), times=7),
    each("tuple in", Sent("db", "SELECT * FROM t WHERE (a, b) IN ((1,2),(3,4))"), times=7),
    each(
        "find_in_batches with scope",
        Sent(
            "db.sql.active_record",
            'SELECT "t".* FROM "t" WHERE "state" = $1 AND "id" > $2 ORDER BY "id" ASC LIMIT $3',
        ),
        platform="ruby",
    ),
    each(
        "chunkById",
        Sent(
            "db.sql.query",
            "select * from `t` where `active` = 1 and `id` > {i} order by `id` asc limit 500",
        ),
        platform="php",
    ),
    each(
        "by month at once",
        Sent("db", "SELECT count(*) FROM t WHERE at BETWEEN $1 AND $2"),
        way="at once",
        platform="node",
    ),
    each("lock rows", Sent("db", "SELECT pg_try_advisory_lock({i})")),
    each("charset", Sent("db", "SET NAMES utf8mb4")),
    each("use", Sent("db", "USE tenant_{i}")),
    each("role", Sent("db", "SET ROLE 'x{i}'")),
    each("doctrine metadata", Sent("db.sql.query", "SHOW TABLES"), platform="php"),
    each("describe", Sent("db", "DESCRIBE `t`")),
    each("alembic", Sent("db", "SELECT alembic_version.version_num FROM alembic_version")),
    each("pg_stat", Sent("db", "SELECT * FROM pg_stat_activity WHERE pid = $1")),
    each("copy", Sent("db", "COPY t FROM STDIN")),
    each("bulk redis", Sent("db.redis", "ZADD 'board' [Filtered]"), times=15),
    each("xread", Sent("db.redis", "XREADGROUP GROUP g c COUNT 10"), times=15),
    each(
        "mongo sessions",
        Sent("db", '{"endSessions":1}', {"db.system": "mongodb", "db.operation": "endSessions"}),
    ),
    each(
        "mongo getMore java",
        Sent("db", "getMore users", {"db.system": "mongodb", "db.operation": "getMore"}),
        platform="java",
    ),
    each(
        "firestore batch",
        Sent("db.query", "commit", {"db.operation.name": "commit", "db.collection.name": "users"}),
    ),
]
