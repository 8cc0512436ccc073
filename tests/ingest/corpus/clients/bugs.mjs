// A program of many bugs, each met several times, for an unmodified @sentry/node; see bugs.py.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import * as Sentry from "@sentry/node";

const [dsn, release] = process.argv.slice(2);
Sentry.init({ dsn, release, serverName: `host-${release}`, maxBreadcrumbs: 0 });

function meet(bug, act, ...rest) {
  return Sentry.withScope(async (scope) => {
    scope.setTag("bug", bug);
    try {
      await act(...rest);
    } catch (error) {
      Sentry.captureException(error);
    }
  });
}

class PricingError extends Error {}

function priceOf(prices, name) {
  return prices[name].amount;
}

function stockOf(stock, name) {
  return stock[name].amount;
}

async function load(name) {
  await new Promise((done) => setTimeout(done, 1));
  return JSON.parse(`{"${name}"`);
}

function quote(name) {
  try {
    return priceOf({}, name);
  } catch (cause) {
    throw new PricingError(`no price for ${name}`, { cause });
  }
}

function visit(depth) {
  if (depth === 0) throw new RangeError("too deep in the category tree");
  return visit(depth - 1);
}

const inArrow = (name) => [name].map((key) => ({})[key].amount);

async function connect(port) {
  await fetch(`http://127.0.0.1:${port}/`).catch((error) => { throw error.cause; });
}

function busyPort() {
  return new Promise((done, fail) => {
    const first = createServer().listen(0, () => {
      const second = createServer().on("error", (error) => { first.close(); fail(error); });
      second.listen(first.address().port);
    });
  });
}

async function all(count) {
  await Promise.any(Array.from({ length: count }, (_, n) => Promise.reject(new Error(`mirror ${n} is down`))));
}

function say(bug, text) {
  Sentry.withScope((scope) => {
    scope.setTag("bug", bug);
    Sentry.captureMessage(text);
  });
}

for (let turn = 0; turn < 2; turn += 1) {
  await meet("js-price", priceOf, {}, `book-${turn}`);
  await meet("js-stock", stockOf, {}, `book-${turn}`);
  await meet("js-load", load, `book-${turn}`);
  await meet("js-quote", quote, `book-${turn}`);
  await meet("js-recursion", visit, 3 + turn * 4);
  await meet("js-arrow", inArrow, `book-${turn}`);
  await meet("js-missing-file", () => readFileSync(`/no/such/file-${turn}.txt`));
  await meet("js-refused", connect, 9 + turn * 2);
  await meet("js-busy", busyPort);
  await meet("js-any", all, 2 + turn);
  await meet("js-text", () => { throw `order ${turn} has no total`; });
  await meet("js-object", () => { throw { code: turn, order: 4711 + turn }; });
  say("js-message", `cart ${4711 + turn} was abandoned`);
  say("js-message-other", `cart ${4711 + turn} is empty`);
}
await Sentry.flush(5000);
