"""Makes requests that are wrong in some places and right in all others, so that they get far."""

from random import Random
from urllib.parse import quote

from flask import Flask
from werkzeug.routing import Rule

from tests.fuzz import values
from tests.fuzz.harvest import Asked, asked_by, names_of_templates
from tests.fuzz.people import CALLERS, World
from tests.fuzz.wire import Sent
from tests.support.clients import bearer
from tests.support.factories import PASSWORD

PLAIN = {
    "range": ("1h", "24h", "7d", "90d", "custom"),
    "since": ("2026-11-01T00:00", ""),
    "until": ("2026-11-23T00:00", ""),
    "environment": ("production", ""),
    "compare": ("previous", "week"),
    "page": ("1", "2", "/checkout"),
    "email": ("new@x.test",),
    "next": ("/", "/account"),
    "name": ("Shop", "GET /books/:id"),
    "current": (PASSWORD, "wrong"),
    "attribute": ("user.plan=pro",),
    "group": ("g", "c", ""),
    "over": ("10", ""),
    "metric": ("LCP", "INP", "CLS"),
    "theme": ("dark", "light", "auto"),
    "hours": ("1",),
    "events": ("5",),
    "sample": ('{"a": 1}',),
}
ODDNESS = (0.0, 0.05, 0.1, 0.3, 0.6)  # how likely a part of a request is odd; of each kind a fifth
COMMON = ("range", "since", "until", "environment", "compare", "cursor", "page", "sort", "q")


class Generator:
    """Requests by their number: the same seed and number make the same request."""

    def __init__(self, app: Flask, world: World, seed: int) -> None:
        """Read what the views ask for."""
        self.world, self.seed = world, seed
        self.rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
        self.fields = {rule.endpoint: asked_by(app, rule.endpoint) for rule in self.rules}
        self.names = names_of_templates()

    def request(self, number: int) -> Sent:
        """The request of this number."""
        random = Random(f"{self.seed}:{number}")
        if random.random() < 0.08:
            sent = self._nowhere(random)
        elif random.random() < 0.1:
            sent = self._to_ingest(random)
        else:
            # In turn, so that each route is asked as often as the others.
            sent = self._to_rule(self.rules[number % len(self.rules)], random)
        self._add_headers(sent, random)
        return sent

    def _to_rule(self, rule: Rule, random: Random) -> Sent:
        methods = sorted((rule.methods or {"GET"}) - {"HEAD", "OPTIONS"})
        method = random.choice(methods if random.random() < 0.95 else values.METHODS)
        caller = random.choices(CALLERS, (5, 3, 2, 1))[0]
        if rule.rule.startswith("/api/"):
            caller = random.choices(CALLERS, (1, 1, 1, 7))[0]
        asked, oddness = self.fields[rule.endpoint], random.choice(ODDNESS)
        sent = Sent(caller, method, self._path(rule, oddness, random).encode())
        if method == "GET" or random.random() < 0.2:
            sent.query = _encoded(self._pairs(asked, oddness, random, most=5), random)
        if method != "GET":
            self._add_body(sent, self._pairs(asked, oddness, random, most=12), random)
        return sent

    def _path(self, rule: Rule, oddness: float, random: Random) -> str:
        parts = self.world.values(rule)
        for name in parts:
            if random.random() < oddness * (0.1 if name in {"organization", "project"} else 1):
                parts[name] = values.odd(random)
        path = ""
        for is_dynamic, text in rule._trace:
            path += values.escaped(random, parts[text]) if is_dynamic else text.replace("|", "")
        if random.random() < 0.03:
            path += random.choice(("/", "//", "%00", "%ff", ";x", "/..", "\\", "%2f"))
        return path

    def _pairs(
        self, asked: list[Asked], oddness: float, random: Random, *, most: int
    ) -> list[tuple[str, str]]:
        """Names and values, most of them such as the view takes."""
        fields = [field for field in asked if random.random() < 0.8][:most]
        for name in random.sample(COMMON, 2):
            fields += [Asked(name)] if random.random() < 0.4 else []
        if random.random() < 0.1:
            fields.append(Asked(random.choice(self.names)))
        pairs = [(field.name, self._value(field, oddness, random)) for field in fields]
        if pairs and random.random() < 0.05:
            pairs += [random.choice(pairs)] * random.choice((1, 2, 1_200))
        if random.random() < 0.03:
            pairs.append((values.odd(random), values.odd(random)))
        return pairs

    def _value(self, field: Asked, oddness: float, random: Random) -> str:
        if random.random() < oddness:
            return values.odd(random)
        at = self.world.tenant
        by_kind = {
            "IntegerField": ("1", "100", ""),
            "FloatField": ("0", "2.5", ""),
            "PasswordField": (PASSWORD,),
        }
        by_name = {**PLAIN, "issue": (str(at.ids["issue"]),), "confirmation": (at.project.name,)}
        offers = field.offers or by_name.get(field.name) or by_kind.get(field.kind)
        return random.choice(offers or ("Name", "", "y", at.project.name))

    def _add_body(self, sent: Sent, pairs: list[tuple[str, str]], random: Random) -> None:
        person = self.world.people.get(sent.caller)
        if person and random.random() < 0.9:
            pairs.append(("csrf_token", person.csrf))
        kind = random.random()
        sent.headers["Content-Type"] = "application/x-www-form-urlencoded"
        if kind < 0.6:
            sent.body = _encoded(pairs, random).encode("latin1")
        elif kind < 0.82:
            sent.headers["Content-Type"] = "multipart/form-data; boundary=x"
            sent.body = _parts(pairs, random)
        else:
            sent.body = random.choice(values.BODIES)
            sent.headers["Content-Type"] = random.choice(values.TYPES)
            if random.random() < 0.5:
                sent.headers["Content-Type"] = "multipart/form-data; boundary=x"
            if person:
                sent.headers["X-CSRFToken"] = person.csrf
        if random.random() < 0.05:
            sent.body = sent.body[: random.randrange(len(sent.body) + 1)]
            sent.length = random.choice(
                (
                    "0",
                    "5",
                    "99999",
                    "-1",
                    "x",
                    "1e3",
                    "9" * 30,
                    "\u0661".encode().decode("latin1"),
                    "",
                )
            )

    def _nowhere(self, random: Random) -> Sent:
        path = random.choice(values.PATHS)
        sent = Sent(random.choice(CALLERS), random.choice(values.METHODS), path)
        sent.query = _encoded([(values.odd(random), values.odd(random))], random)
        return sent

    def _to_ingest(self, random: Random) -> Sent:
        project = random.choice(
            (str(self.world.tenant.project.id), "1", "0", "999999999", "\u0661", "9" * 30)
        )
        path = random.choice(values.INGEST).format(project=quote(project))
        sent = Sent(
            "nobody", random.choice(("POST", "POST", "POST", "OPTIONS", "GET")), path.encode()
        )
        sent.body = random.choice(values.ENVELOPES)
        key = self.world.key if random.random() < 0.7 else values.odd(random)
        sent.query = _encoded([("sentry_key", key), ("sentry_version", values.odd(random))], random)
        if random.random() < 0.3:
            sent.headers["Authorization"] = f"Bearer {self.world.key}"
        sent.headers["Content-Type"] = random.choice(
            ("application/json", "application/x-protobuf", *values.TYPES)
        )
        return sent

    def _add_headers(self, sent: Sent, random: Random) -> None:
        person = self.world.people.get(sent.caller)
        if person:
            sent.headers["Cookie"] = person.cookies
        if sent.caller == "script":
            sent.headers |= bearer(self.world.tenant.token)
        if random.random() < 0.3:
            sent.headers["HX-Request"] = "true"
        if random.random() < 0.1:
            sent.scheme = "https"
            sent.headers["Referer"] = "https://localhost/"
        for name in random.sample(list(values.HEADERS), random.choice((0, 1, 1, 2, 4))):
            value = random.choice(values.HEADERS[name])
            kept = sent.headers.get("Cookie") if name == "Cookie" else ""
            sent.headers[name] = f"{kept}; {value}" if kept else value
        if random.random() < 0.05:
            sent.headers["Host"] = random.choice(values.HOSTS)


def _encoded(pairs: list[tuple[str, str]], random: Random) -> str:
    encode = values.escaped
    return "&".join(f"{encode(random, name)}={encode(random, value)}" for name, value in pairs)


def _parts(pairs: list[tuple[str, str]], random: Random) -> bytes:
    body = b""
    for name, value in pairs:
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"'.encode("utf-8", "replace")
        if random.random() < 0.15:
            file = values.odd(random) if random.random() < 0.5 else "a.txt"
            head += f'; filename="{file}"'.encode("utf-8", "replace")
        body += head + b"\r\n\r\n" + value.encode("utf-8", "replace") + b"\r\n"
    return body + b"--x--\r\n"
