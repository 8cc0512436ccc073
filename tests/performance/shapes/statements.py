"""Requests that send a statement, or a command, once per row."""

from tests.performance.shapes.shape import Sent, Shape, run

PG = {"db.system": "postgresql"}
MONGO = {"db.system": "mongodb", "db.operation": "find", "db.collection.name": "reviews"}
AUTHOR = 'SELECT "author"."id", "author"."name" FROM "author" WHERE "author"."id" = %s LIMIT 21'
BOOKS = Sent("db", 'SELECT "book"."id", "book"."title" FROM "book" LIMIT 20')


def loop(name: str, text: str, *, times: int = 12, op: str = "db", **fields):
    """A shape with one statement in a loop."""
    made = {key: fields.pop(key) for key in ("data", "tags", "below", "ms") if key in fields}
    return Shape(name, [run(times, Sent(op, text, **made))], statements=True, **fields)


STATEMENTS = [
    Shape("django foreign key", [run(1, BOOKS), run(12, Sent("db", AUTHOR))], True),
    loop("django mysql, values within", "SELECT `a`.`id` FROM `a` WHERE `a`.`id` = {i} LIMIT 21"),
    loop("sqlalchemy lazy load", "SELECT a.id AS a_id FROM a WHERE %(pk_1)s = a.id"),
    loop("five rounds", AUTHOR, times=5),
    loop("a task", AUTHOR, op="db", data=PG),
    Shape("a celery task", [run(9, Sent("db", AUTHOR))], True, op="queue.task.celery"),
    Shape("a lambda", [run(9, Sent("db", AUTHOR))], True, op="function.aws"),
    Shape("an operation of its own", [run(9, Sent("db", AUTHOR))], True, op="nightly"),
    Shape(
        "django with cache and savepoints between",
        [
            run(
                8,
                Sent("cache.get", "book:{i}", {"cache.hit": False}),
                Sent("db", "SAVEPOINT s{i}"),
                Sent("db", AUTHOR),
                Sent("db", "RELEASE SAVEPOINT s{i}"),
            )
        ],
        True,
    ),
    loop(
        "rails belongs_to",
        'SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2',
        op="db.sql.active_record",
        platform="ruby",
    ),
    loop(
        "rails mysql",
        "SELECT `users`.* FROM `users` WHERE `users`.`id` = {i} LIMIT 1",
        op="db.sql.active_record",
        platform="ruby",
    ),
    loop(
        "rails exists",
        'SELECT 1 AS one FROM "likes" WHERE "likes"."post_id" = {i} LIMIT 1',
        op="db.sql.active_record",
        platform="ruby",
    ),
    loop(
        "rails counts",
        'SELECT COUNT(*) FROM "comments" WHERE "comments"."post_id" = {i}',
        op="db.sql.active_record",
        platform="ruby",
    ),
    loop(
        "laravel eloquent",
        "select * from `users` where `users`.`id` = ? limit 1",
        op="db.sql.query",
        platform="php",
    ),
    Shape(
        "doctrine prepares and executes",
        [
            run(
                7,
                Sent("db.sql.prepare", "SELECT t0.id AS id_1 FROM author t0 WHERE t0.id = ?"),
                Sent("db.sql.execute", "SELECT t0.id AS id_1 FROM author t0 WHERE t0.id = ?"),
            )
        ],
        True,
        platform="php",
    ),
    loop(
        "hibernate by jdbc",
        "select a1_0.id,a1_0.name from author a1_0 where a1_0.id=?",
        op="db.query",
        platform="java",
    ),
    Shape(
        "hibernate's session around jdbc",
        [
            run(
                8,
                Sent(
                    "db",
                    "Session.find com.acme.Author",
                    {"db.system": "h2"},
                    3,
                    below=[
                        Sent("db", "select a.id from author a where a.id=?", {"db.system": "h2"})
                    ],
                ),
            )
        ],
        True,
        platform="java",
    ),
    Shape(
        "entity framework",
        [
            run(1, Sent("db.query.compile", "DbSet<Author>().Where(a => a.Id == __id_0)")),
            run(
                8,
                Sent("db.connection", "shop"),
                Sent(
                    "db.query",
                    "SELECT TOP(1) [a].[Id] FROM [Authors] AS [a] WHERE [a].[Id] = @__id_0",
                ),
            ),
        ],
        True,
        platform="csharp",
    ),
    loop(
        "sql server's sp_executesql",
        "exec sp_executesql N'SELECT [a].[Id] FROM [Author] AS [a] WHERE [a].[Id] = @p0',"
        "N'@p0 int',@p0={i}",
        data={"db.system": "mssql"},
        platform="csharp",
    ),
    loop("stored procedures", "EXEC dbo.GetCustomer @id = {i}", times=14, platform="csharp"),
    loop(
        "gorm",
        'SELECT * FROM "authors" WHERE "authors"."id" = {i} ORDER BY "authors"."id" LIMIT 1',
        op="db.sql.query",
        platform="go",
    ),
    loop("database/sql", "SELECT name FROM author WHERE id = $1", op="db.sql.query", platform="go"),
    Shape(
        "node pg with its pool",
        [
            run(
                8,
                Sent("db", "pg-pool.connect", PG),
                Sent("db", "SELECT * FROM author WHERE id = $1", PG),
            )
        ],
        True,
        platform="node",
    ),
    Shape(
        "node pg, Promise.all",
        [run(14, Sent("db", "SELECT * FROM author WHERE id = $1", PG, 20), way="at once")],
        True,
        platform="node",
    ),
    Shape(
        "typeorm in a pool of connections",
        [
            run(
                16,
                Sent("db", 'SELECT "a"."id" FROM "author" "a" WHERE "a"."id" = $1', PG),
                way="pool",
            )
        ],
        True,
        platform="node",
    ),
    loop("mysql2, values within", "SELECT * FROM author WHERE id = {i}", platform="node"),
    Shape(
        "prisma findUnique",
        [
            run(
                9,
                Sent(
                    "default",
                    "prisma:client:operation",
                    {"method": "findUnique", "model": "Author"},
                    4,
                    below=[
                        Sent(
                            "db",
                            'SELECT "public"."Author"."id" FROM "public"."Author" WHERE '
                            '("public"."Author"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3',
                            PG,
                        )
                    ],
                ),
            )
        ],
        True,
        platform="node",
    ),
    Shape(
        "resolvers of graphql at once",
        [
            run(
                10,
                Sent(
                    "graphql.resolve",
                    "Query.books.{n}.author",
                    ms=9,
                    below=[Sent("db", "SELECT * FROM author WHERE id = $1", PG, 8)],
                ),
                way="at once",
            )
        ],
        True,
        platform="node",
    ),
    loop(
        "mongodb driver of node",
        '{"filter":{"productid":"?"},"find":"reviews"}',
        data=MONGO,
        platform="node",
    ),
    Shape(
        "mongodb's text without its command, at once",
        [run(9, Sent("db", '{"product":"?"}', MONGO, 30), way="at once")],
        True,
        platform="node",
    ),
    Shape(
        "mongoose around the driver, at once",
        [
            run(
                7,
                Sent(
                    "db",
                    "mongoose.review.findOne",
                    {**MONGO, "db.system": "mongoose", "db.operation": "findOne"},
                    12,
                    below=[Sent("db", '{"product":"?"}', MONGO, 10)],
                ),
                way="at once",
            )
        ],
        True,
        platform="node",
    ),
    loop("mongoose alone", "mongoose.User.findOne", data={**MONGO, "db.system": "mongoose"}),
    loop(
        "pymongo",
        '{"find": "reviews", "filter": {"product": "%s"}, "limit": "%s"}',
        data={"db.system": "mongodb", "db.operation": "find", "db.mongodb.collection": "reviews"},
    ),
    loop("mongodb of java", "find shop.reviews", data={"db.system": "mongodb"}, platform="java"),
    loop(
        "elasticsearch, a document each",
        "GET /products/_doc/{i}",
        data={"db.system": "elasticsearch"},
    ),
    Shape(
        "opensearch around its transport",
        [
            run(
                8,
                Sent(
                    "db",
                    "search",
                    {
                        "db.system": "opensearch",
                        "db.operation": "search",
                        "db.elasticsearch.path_parts.index": "books",
                        "db.statement": '{"query":{"term":{"author":"{word}"}}}',
                    },
                    6,
                    below=[Sent("http.client", "POST http://search.test:9200/books/_search", ms=5)],
                ),
            )
        ],
        True,
    ),
    Shape(
        "dynamodb by boto3",
        [
            run(
                9,
                Sent(
                    "http.client",
                    "aws.dynamodb.GetItem",
                    {
                        "http.method": "POST",
                        "aws.request.url": "https://dynamodb.eu.amazonaws.com/",
                    },
                    below=[Sent("http.client.stream", "aws.dynamodb.GetItem", ms=1)],
                ),
            )
        ],
        True,
    ),
    loop(
        "dynamodb of node",
        "DynamoDB.GetItem",
        data={
            "db.system": "dynamodb",
            "db.operation": "GetItem",
            "aws.dynamodb.table_names": ["a"],
        },
        platform="node",
    ),
    loop("cassandra", "SELECT * FROM shop.users WHERE id = ?", data={"db.system": "cassandra"}),
    loop("neo4j", "MATCH (a:Author {id: $id}) RETURN a", data={"db.system": "neo4j"}),
    loop(
        "firestore",
        "getDoc users",
        op="db.query",
        data={"db.operation.name": "getDoc", "db.collection.name": "users"},
        platform="javascript",
    ),
    loop(
        "supabase",
        "select(*) filter(eq, id) from(users)",
        op="db.select",
        data={"db.system": "postgresql", "db.operation": "select", "db.table": "users"},
        platform="node",
    ),
    loop("redis, a key each", "GET 'user:{i}'", op="db.redis", times=20),
    Shape(
        "redis hashes of node, at once",
        [run(15, Sent("db", "hgetall cart:{i}", {"db.system": "redis"}), way="at once")],
        True,
        platform="node",
    ),
    loop(
        "clickhouse",
        "SELECT count() FROM hits WHERE page_id = {i}",
        data={"db.system": "clickhouse"},
    ),
    loop("a locked row each", "SELECT * FROM stock WHERE sku = $1 FOR UPDATE"),
    loop("a common table each", "WITH t AS (SELECT * FROM a WHERE b = $1) SELECT * FROM t"),
    loop("writes", "INSERT INTO line (id, book) VALUES ($1, $2)", times=20),
    loop(
        "updates of a case",
        "UPDATE a SET b = CASE WHEN c = {i} THEN 1 END WHERE id = {i}",
        times=15,
    ),
    loop(
        "mongodb writes",
        '{"insert":"lines","documents":[{"a":"?"}]}',
        data={"db.system": "mongodb", "db.operation": "insert", "db.collection.name": "lines"},
        times=15,
    ),
    Shape(
        "opentelemetry of sqlalchemy around psycopg",
        [
            run(
                8,
                Sent(
                    "db",
                    "SELECT shop",
                    {**PG, "db.statement": "SELECT * FROM a WHERE id = %s"},
                    3,
                    below=[
                        Sent(
                            "db", "SELECT", {**PG, "db.statement": "SELECT * FROM a WHERE id = %s"}
                        )
                    ],
                ),
            )
        ],
        True,
    ),
    Shape(
        "of two relations in turn",
        [run(7, Sent("db", AUTHOR), Sent("db", "SELECT * FROM cover WHERE book_id = %s"))],
        True,
    ),
]
