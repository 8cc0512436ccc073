// Books in Express: routes, a mounted router, PostgreSQL, and work that ends after the answer.
import * as Sentry from "@sentry/node";

Sentry.init({
  dsn: process.env.DSN,
  release: "books@1.0.0",
  environment: process.env.LIFECYCLE,
  tracesSampleRate: Number(process.env.SAMPLE_RATE),
  traceLifecycle: process.env.LIFECYCLE,
});
const { default: express } = await import("express");
const { default: pg } = await import("pg");

const database = new pg.Pool({ connectionString: process.env.DATABASE, max: 1 });
await database.query("CREATE TEMPORARY TABLE book (id serial, title text)");
await database.query("INSERT INTO book (title) VALUES ('One'), ('Two'), ('Three')");
const app = express();
const books = express.Router();

books.get("/search", async (request, response) => {
  const like = `%${request.query.q}%`;
  response.json((await database.query(`SELECT count(*) FROM book WHERE title LIKE '${like}'`)).rows);
});
books.get("/:number", async (request, response) => {
  const found = await database.query("SELECT id, title FROM book WHERE id = $1", [request.params.number]);
  response.status(found.rows.length ? 200 : 404).json(found.rows);
});
books.post("/", async (_request, response) => {
  await database.query("INSERT INTO book (title) VALUES ($1)", ["Added"]);
  response.json({ added: true });
});
app.use("/books", books);
app.get("/slow", async (_request, response) => {
  await new Promise((wake) => setTimeout(wake, 100));
  response.json((await database.query("SELECT id, title FROM book WHERE id IN (1, 2, 3)")).rows);
});
app.get("/broken", () => {
  throw new Error("the shelf broke");
});
app.post("/nightly", (_request, response) => {
  // Begun in the request, and ended after it: a late child, which is no request of its own.
  Sentry.startSpanManual({ name: "reindex", op: "function" }, (span) => {
    setTimeout(() => span.end(), 50);
  });
  Sentry.startSpan({ name: "reindex", op: "queue.process", forceTransaction: true }, () =>
    database.query("SELECT title FROM book ORDER BY title"),
  );
  try {
    Sentry.startSpan({ name: "send letters", op: "queue.process", forceTransaction: true }, () => {
      throw new Error("the mail server does not answer");
    });
  } catch {
    // The request goes well all the same.
  }
  response.json({ queued: true });
});
Sentry.setupExpressErrorHandler(app);
app.use((_error, _request, response, _next) => response.status(500).end());

const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", async () => {
  server.close();
  server.closeAllConnections();
  await database.end();
  await Sentry.flush(10000);
  process.exit(0);
});
