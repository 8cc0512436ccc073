"""A program of many bugs, each met several times and in several ways, for unmodified sentry-sdk.

Events carry the tag `bug`: two events with the same tag are one bug, with different tags two.
"""

import errno
import logging
import os
import sys
import threading
import uuid
from collections.abc import Callable
from typing import Any

import sentry_sdk
from sqlalchemy import create_engine, text

log = logging.getLogger("shop.payments")


class PricingError(Exception):
    pass


class ApiError(Exception):
    pass


def meet(bug: str, act: Callable[..., Any], *arguments: object) -> None:
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("bug", bug)
        try:
            act(*arguments)
        except Exception as error:  # noqa: BLE001 - meeting them is the purpose
            sentry_sdk.capture_exception(error)


def average(values: list[int]) -> float:
    total = sum(values)
    return total / (len(values) - len(values))


def median(values: list[int]) -> float:
    total = sum(values)
    return total / (len(values) - len(values))


def price_of(prices: dict[str, int], name: str) -> int:
    return prices[name]


def stock_of(stock: dict[str, int], name: str) -> int:
    return stock[name]


def quote(prices: dict[str, int], name: str) -> int:
    try:
        return price_of(prices, name)
    except KeyError as error:
        raise PricingError(f"no price for {name!r} (request {uuid.uuid4()})") from error


def convert(amount: str) -> int:
    try:
        return int(amount)
    except ValueError as error:
        raise PricingError(f"cannot convert {amount}") from error


def descend(depth: int) -> int:
    if depth == 0:
        raise RecursionError("too deep in the category tree")
    return descend(depth - 1)


def call_service(status: int) -> None:
    raise ApiError(f"HTTP {status} from https://payments.example/charge/{uuid.uuid4().hex}")


def write_report(number: int, path: str) -> None:
    raise OSError(number, os.strerror(number), path)


def insert(reader: int) -> None:
    with engine.begin() as connection:
        statement = text("insert into loan (book, reader) values (:book, :reader)")
        connection.execute(statement, {"book": 1, "reader": reader})


def select_missing(column: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"select {column} from loan where reader = {len(column)}"))


def in_lambda(name: str) -> list[int]:
    return list(map(lambda key: {"a": 1}[key], [name]))  # noqa: C417 - the frame is wanted


def in_comprehension(name: str) -> list[int]:
    return [{"a": 1}[key] for key in [name]]


def in_generated_code(number: int) -> None:
    name = f"handler_{uuid.uuid4().hex[:12]}"
    space: dict[str, Any] = {}
    exec(compile(f"def {name}(n):\n    raise ValueError(n)", f"<generated {name}>", "exec"), space)
    space[name](number)


def in_group(count: int) -> None:
    raise ExceptionGroup(f"{count} imports failed", [ValueError(n) for n in range(count)])


def in_thread(name: str) -> None:
    with_bug = sentry_sdk.get_isolation_scope()
    with_bug.set_tag("bug", "thread")
    thread = threading.Thread(target=price_of, args=({}, name))
    thread.start()
    thread.join()
    with_bug.remove_tag("bug")


def never_raised(order: int) -> None:
    sentry_sdk.capture_exception(PricingError(f"order {order} has no total"))


def never_raised_reader(reader: int) -> None:
    sentry_sdk.capture_exception(
        PricingError(f"reader {reader} is blocked since 2026-01-0{reader}")
    )


def failing_library(document: str) -> None:
    import json  # noqa: PLC0415

    json.loads(document)


def messages(turn: int) -> None:
    order, address = 4711 + turn, f"10.0.0.{turn}"

    def say(bug: str, act: Callable[..., Any], *arguments: object) -> None:
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("bug", bug)
            act(*arguments)

    say("log-template", log.error, "payment of order %s failed after %d tries", order, turn)
    say("log-formatted", log.error, f"refund of order {order} failed for user{turn}@example.com")
    say("log-other", log.error, f"import of order {order} failed")
    message = sentry_sdk.capture_message
    say("message-uuid", message, f"job {uuid.uuid4()} is stuck on {address}")
    say("message-hash", message, f"object {uuid.uuid4().hex} is missing in bucket")
    say("message-path", message, f"cannot read /srv/files/{turn}/invoice-{order}.pdf")
    say("message-url", message, f"slow answer from https://api.example/orders/{order}?page={turn}")
    say("message-quoted", message, f"no template for 'letter-{turn}'")
    say("message-date", message, f"nothing to bill since 2026-0{turn + 1}-1{turn} 08:0{turn}:00")
    say("message-503", message, f"gateway answered status 503 for order {order}")
    say("message-404", message, f"gateway answered status 404 for order {order}")
    say("message-sqlstate-40001", message, f"transaction {order} failed (SQLSTATE 40001)")
    say("message-sqlstate-23505", message, f"transaction {order} failed (SQLSTATE 23505)")
    say("message-exit-137", message, f"worker {turn} ended with exit code 137")
    say("message-exit-1", message, f"worker {turn} ended with exit code 1")
    say("message-plain", message, "cache is cold")


def fingerprints(turn: int) -> None:
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("bug", "fingerprint")
        scope.fingerprint = ["checkout", "timeout"]
        meet("fingerprint", average if turn else median, [turn])
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = ["{{ default }}", "tenant-1"]
        meet("fingerprint-default-1", average, [turn])
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = ["{{ default }}", "tenant-2"]
        meet("fingerprint-default-2", average, [turn])


def exceptions(turn: int) -> None:
    meet("average", average, list(range(turn + 1)))
    meet("median", median, list(range(turn + 1)))
    meet("price", price_of, {}, f"book-{turn}")
    meet("stock", stock_of, {}, f"book-{turn}")
    meet("price-type", price_of, None, f"book-{turn}")
    meet("quote", quote, {}, f"book-{turn}")
    meet("convert", convert, f"{turn} euro")
    meet("recursion", descend, 5 + turn * 3)
    meet("api-502", call_service, 502)
    meet("api-404", call_service, 404)
    meet("disk-full", write_report, errno.ENOSPC, f"/srv/reports/{turn}.csv")
    meet("disk-missing", write_report, errno.ENOENT, f"/srv/reports/{turn}.csv")
    meet("integrity", insert, 1)
    meet("no-column", select_missing, f"titel{'x' * turn}")
    meet("lambda", in_lambda, f"b{turn}")
    meet("comprehension", in_comprehension, f"b{turn}")
    meet("generated", in_generated_code, turn)
    meet("group", in_group, 2 + turn)
    meet("never-raised", never_raised, 17 + turn)
    meet("never-raised-reader", never_raised_reader, turn + 1)
    meet("library", failing_library, "{" + f'"a{turn}"')
    in_thread(f"book-{turn}")


if __name__ == "__main__":
    sentry_sdk.init(
        sys.argv[1],
        release=sys.argv[2],
        server_name=f"host-{sys.argv[2]}",
        include_local_variables=False,
        max_breadcrumbs=0,
        shutdown_timeout=10,
    )
    engine = create_engine("sqlite://")
    with engine.begin() as setup:
        setup.execute(text("create table loan (book integer unique, reader integer)"))
    insert(0)
    for number in range(2):
        exceptions(number)
        messages(number)
        fingerprints(number)
    sentry_sdk.flush(10)
