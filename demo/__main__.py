"""A shop with visitors, reporting to a console: `make demo`."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from console.core.config import Config
from demo import alerts, history, person, processes
from demo.mailbox import CHAT, Mailbox
from demo.person import Person
from demo.traffic import wait_for

ORGANIZATION, PROJECT, LOGIN = "demo", "shop", "demo@shop.example"
ON_CALL = "alice@shop.example"
MAILBOX = 25  # its port lies so much above the console's


def main() -> None:
    """Start the console unless it runs, then the shop and its visitors, until interrupted."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # by way of what was started beside
    instance = Config.from_environ(os.environ).instance
    instance.mkdir(parents=True, exist_ok=True)
    console = f"http://127.0.0.1:{arguments.port}"
    with ExitStack() as beside:
        _pharos("migrate")
        made, mailbox = _project(instance / "demo.json"), None
        if not _answers(console):
            mailbox = Mailbox().open(arguments.port + MAILBOX)
            _note(instance / "demo.json", mailbox=mailbox.url)
            if arguments.history:
                _let_checks_have_a_past(arguments.history)
            _let_people_be_on_call(mailbox, arguments.history)
            serve = processes.python("console.cli", "serve", "--port", str(arguments.port))
            # Its checks look at the shop, which is on this machine.
            console_process = processes.running(
                serve,
                instance / "console.log",
                PHAROS_PRIVATE_ADDRESSES="1",
                SMTP_URL=mailbox.smtp_url,
                MAIL_FROM="pharos@shop.example",
            )
            beside.enter_context(console_process)
            wait_for(console)
        dsn = _at(console, made["dsn"])
        print(f"Console  {console}/{ORGANIZATION}/{PROJECT}/issues/")
        print(f"Sign in  {LOGIN}  {made['password']}", flush=True)
        if mailbox is not None:
            print(f"Mailbox  {mailbox.url}/ with all mails, {mailbox.url}{CHAT} with #ops")
        if arguments.history:
            _send_history(dsn, arguments)
        if arguments.history_only:
            return
        api, token = f"{console}/api/v1/{ORGANIZATION}/{PROJECT}", _token(instance / "demo.token")
        alerts.watch(api, token)
        shop, payments = _open_shop(beside, dsn, arguments.rate, instance), alerts.Payments()
        pages = {"Shop: home": f"{shop}/", "Shop: products": f"{shop}/products"}
        try:
            alerts.check(api, token, {**pages, "Payment provider": payments.url})
        except RuntimeError as refusal:  # by a console that was started without the permission
            print(f"The shop has no checks of its pages: {refusal}")
            print("Start the console by PHAROS_PRIVATE_ADDRESSES=1 make run, or let this start it.")
        alerts.begin(shop, payments)
        alice = Person(console, ON_CALL, made["on_call_password"])
        person.begin(alice, api, token, f"/{ORGANIZATION}/{PROJECT}")
        print("The shop is open, new data arrives by itself. Ctrl-C ends it.", flush=True)
        while True:
            time.sleep(60)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="where the console is, or will be")
    parser.add_argument("--rate", type=float, default=0.5, help="visitors in a second")
    parser.add_argument("--history", type=_days, default=0, help="send the past first: 14d")
    parser.add_argument("--per-day", type=int, default=1_000, help="requests in a day of the past")
    parser.add_argument("--history-only", action="store_true", help="send the past and end")
    return parser.parse_args()


def _days(text: str) -> int:
    return int(text.removesuffix("d"))


def _pharos(*command: str, stdin: str = "") -> str:
    """Run a command of the console; return what it printed, or end with its sentence."""
    done = subprocess.run(
        processes.python("console.cli", *command),
        cwd=processes.ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"pharos {' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _answers(url: str) -> bool:
    try:
        urlopen(url, timeout=5).close()
    except HTTPError as answer:
        answer.close()
    except URLError:
        return False
    return True


def _project(note: Path) -> dict[str, Any]:
    """Return what the project was made with, making it and its owner the first time."""
    if not note.exists():
        home = ("--organization", ORGANIZATION)
        made = json.loads(_pharos("project", "create", PROJECT, *home, "--json"))
        made["password"] = token_urlsafe(12)
        owner = ("user", "create", LOGIN, *home, "--role", "owner", "--password-stdin")
        _pharos(*owner, stdin=made["password"])
        note.touch(mode=0o600)
        note.write_text(json.dumps(made))
    _on_call(note)
    made_before: dict[str, Any] = json.loads(note.read_text())
    return made_before


def _on_call(note: Path) -> None:
    """Make the person who is on call, the first time."""
    if "on_call_password" in json.loads(note.read_text()):
        return
    password = token_urlsafe(12)
    member = ("user", "create", ON_CALL, "--organization", ORGANIZATION, "--role", "member")
    _pharos(*member, "--password-stdin", stdin=password)
    _note(note, on_call_password=password)


def _note(note: Path, **values: str) -> None:
    """Add to what is known of the demonstration."""
    note.write_text(json.dumps(json.loads(note.read_text()) | values))


def _token(note: Path) -> str:
    """Return the token of the program that watches the shop, making it the first time."""
    if not note.exists():
        home = ("--organization", ORGANIZATION, "--project", PROJECT)
        permissions = [part for name in alerts.PERMISSIONS for part in ("--permission", name)]
        note.touch(mode=0o600)
        note.write_text(_pharos("token", "create", *home, *permissions, "--label", "demo"))
    return note.read_text().strip()


def _at(console: str, dsn: str) -> str:
    """Point a DSN at the console that runs here."""
    parts = urlsplit(dsn)
    return f"http://{parts.username}@{urlsplit(console).netloc}{parts.path}"


def _let_checks_have_a_past(days: int) -> None:
    past = ("demo.checks_past", "--organization", ORGANIZATION, "--days", str(days))
    subprocess.run(processes.python(*past), cwd=processes.ROOT, check=True)


def _let_people_be_on_call(mailbox: Mailbox, days: int) -> None:
    chat = ("--on-call", ON_CALL, "--chat", f"{mailbox.url}{CHAT}")
    given = ("demo.on_call", "--organization", ORGANIZATION, *chat, "--days", str(days))
    environ = os.environ | {"PHAROS_PRIVATE_ADDRESSES": "1"}
    subprocess.run(processes.python(*given), cwd=processes.ROOT, env=environ, check=True)


def _send_history(dsn: str, arguments: argparse.Namespace) -> None:
    print(f"Recording the shop, then sending {arguments.history} days of it …", flush=True)
    began = time.monotonic()
    sent = history.send(dsn, days=arguments.history, per_day=arguments.per_day)
    print(f"{sent} envelopes in {time.monotonic() - began:.0f} s", flush=True)


def _open_shop(beside: ExitStack, dsn: str, rate: float, instance: Path) -> str:
    """Run the shop in production and in staging, with visitors in a process of their own.

    Returns where production is.
    """
    _, release = history.RELEASES[-1]
    browsers = ("--dsn", dsn, "--release", release)
    ports = {}
    for environment, share in (("production", 1.0), ("staging", 0.1)):
        port = ports[environment] = str(processes.free_port())
        database = str(instance / f"shop-{environment}.sqlite")
        beside.enter_context(
            processes.running(
                processes.python("demo.shop", "--port", port, "--database", database),
                instance / f"shop-{environment}.log",
                SENTRY_DSN=dsn,
                SHOP_ENVIRONMENT=environment,
                SHOP_RELEASE=release,
            )
        )
        visitors = ("--shop", f"http://127.0.0.1:{port}", "--rate", str(rate * share))
        beside.enter_context(
            processes.running(processes.python("demo.traffic", *visitors, *browsers))
        )
    production = f"http://127.0.0.1:{ports['production']}"
    wait_for(production)
    return production


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("The shop is closed.")
