// A small Express shop for an unmodified @sentry/node, in both trace life cycles.
import * as Sentry from "@sentry/node";

const [dsn, lifecycle] = process.argv.slice(2);
Sentry.init({ dsn, release: "shop@2.0.0", environment: "staging", serverName: "web-2",
  tracesSampleRate: 1, traceLifecycle: lifecycle, tracePropagationTargets: [] });

const { default: express } = await import("express");
const shop = express();
shop.get("/users/:id", (request, response) => response.json({ id: request.params.id }));
shop.get("/broken/:id", (request) => { throw new Error(`user ${request.params.id} is broken`); });
Sentry.setupExpressErrorHandler(shop);
shop.use((error, _request, response, _next) => response.status(500).json({ error: error.message }));

const server = shop.listen(0, async () => {
  const base = `http://127.0.0.1:${server.address().port}`;
  for (const path of ["/users/17?token=planted-token", "/users/18", "/broken/3", "/nowhere"]) {
    await fetch(base + path).then((answer) => answer.text());
  }
  Sentry.captureMessage("the shop closes");
  await Sentry.flush(5000);
  server.close();
  await Sentry.close(5000);
  process.exit(0);
});
