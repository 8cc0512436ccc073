"""Secrets are blanked, meaning stays, and JSON comes out as databases can keep it."""

import math

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.ingest.scrub import DEPTH, TEXT_LENGTH, Scrubber, scrubber
from console.ingest.scrub_preview import preview
from console.ingest.scrub_rules import ScrubRules, pattern_problem
from console.ingest.sensitive import Verdict, judge

SECRET = "s3cr3t-Planted"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEs3cr3t-Planted\n-----END RSA PRIVATE KEY-----"


def scrubbed(value, **rules):
    return Scrubber(ScrubRules(**rules)).scrub(value)


SECRET_NAMES = [
    "password", "PASSWORD", "userPassword", "db_passwd", "mysql-pwd", "client_secret", "Api-Key",
    "X-Api-Key", "apiKey", "APIKEY", "access_token", "accessToken", "token", "Token", "csrf_token",
    "X-CSRFToken", "Authorization", "HTTP_AUTHORIZATION", "Proxy-Authorization", "auth", "X-Auth",
    "private_key", "privateKey", "credentials", "session", "sessionid", "PHPSESSID", "connect.sid",
    "Set-Cookie", "cookie", "jwt", "bearer", "credit_card", "cardNumber", "cvv", "ssn",
    "http.request.header.authorization", "AWS_SECRET_ACCESS_KEY", "password_reset_url",
]  # fmt: skip
HARMLESS_NAMES = [
    "author", "authority", "tokenizer", "token_count", "token_type", "password_length", "keyboard",
    "primary_key", "company", "session.id", "monkey", "secretary_of_state_count", "function",
    "has_password_field", "discography", "author_id", "gen_ai.usage.input_count", "passport_type",
    "secretary",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name):
    assert scrubbed({name: SECRET}) == {name: "[Filtered]"}


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_names_that_only_look_like_secrets(name):
    assert scrubbed({name: "meaning"}) == {name: "meaning"}


def test_numbers_beside_tokens_are_counts():
    assert scrubbed({"input_tokens": 500, "tokens": ["abc"]}) == {
        "input_tokens": 500,
        "tokens": "[Filtered]",
    }


def test_what_says_nothing_about_a_secret_stays():
    sample = {"password": None, "token": True, "secret": ""}
    assert scrubbed(sample) == sample


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}",
        f"login with password: {SECRET}, ok",
        f"{{'password': '{SECRET}', 'user': 'bob'}}",
        f'{{"user":"bob","api_key":"{SECRET}"}}',
        f'{{\\"token\\": \\"{SECRET}\\"}}',
        f"User(name='bob', password='{SECRET}')",
        f'b\'{{"password":"{SECRET}"}}\'',
        f"Credentials(token=Token('{SECRET}', 3), n=1)",
        f"https://shop.example/cb?state=1&token={SECRET}&page=2",
        f"/login?next=%2Fcb%3Ftoken%3D{SECRET}%26a%3D1",
        f"postgres://shop:{SECRET}@db.internal:5432/shop",
        f"redis://:{SECRET}@cache/0",
        f"Authorization: Bearer {SECRET}",
        f"curl -H 'Authorization: token {SECRET}' https://api.example",
        f"Bearer {SECRET}",
        f"sent 'bearer {SECRET}' upstream",
        "Basic c2hvcDpzM2NyM3QtUGxhbnRlZA==",
        f"Cookie: theme=dark; session={SECRET}; a=b",
        f"Set-Cookie: sid={SECRET}; HttpOnly",
        f"[('Host', 'x'), ('Authorization', 'Bearer {SECRET}'), ('Cookie', 'a={SECRET}')]",
        f"user=bob&password={SECRET}&remember=1",
        f"UPDATE account SET password = '{SECRET}' WHERE id = 7",
        f"INSERT INTO account (name, password) VALUES ('bob', '{SECRET}')",
        f"SELECT * FROM session WHERE token = '{SECRET}' AND a = 1",
        f"deploy --password={SECRET} --verbose",
        f"deploy --db-password {SECRET} --verbose",
        f"java -jar shop.jar --api-key '{SECRET}'",
        f"password=%(word)s{SECRET}",
        f"PGPASSWORD={SECRET} psql",
        f"got {JWT} from the client".replace("dozj", SECRET),
        f"key:\n{KEY}\nend",
        f"client_secret => {SECRET}",
        f"AccessToken: {SECRET}",
        f"Invalid API key: {SECRET}",
        f"pass_word={SECRET}&Pass-Word={SECRET}",
        f"PASS WORD: {SECRET}",
        f"db_pass = {SECRET}",
        f"password          =      {SECRET}",
        f"password: |\n  {SECRET}\nuser: bob",
        f"Map(user -> bob, password -> {SECRET})",
        f"DETAIL:  Key (token)=({SECRET}) already exists.",
        f'a:1:{{s:8:"password";s:14:"{SECRET}";}}',
        f"['mysql', '--password', '{SECRET}', 'shop']",
        f'sent [\\"password\\", \\"{SECRET}\\"]',
    ],
)
def test_secrets_inside_texts(text):
    clean = scrubbed(text)
    assert SECRET not in clean
    assert "c2hvcDpz" not in clean
    assert "[Filtered]" in clean
    assert scrubbed(clean) == clean


@pytest.mark.parametrize(
    "value",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "glpat-abcdefghij0123456789",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "xoxb-123456789012-abcdefghijkl",
        JWT,
        KEY,
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5500005555555559",
        "378282246310005",
    ],
)
def test_values_that_are_secrets_by_their_looks(value):
    assert scrubbed({"note": value}) == {"note": "[Filtered]"}
    assert value not in scrubbed(f"before {value} after")


def test_a_card_number_is_one_as_a_number_and_as_a_name():
    assert scrubbed([4111111111111111, 4111111111111111.0]) == ["[Filtered]"] * 2
    assert scrubbed([1795459125544976.0, 4111111111111111.5]) == [
        1795459125544976.0,
        4111111111111111.5,
    ]
    assert scrubbed({"4111 1111 1111 1111": 1}) == {"[Filtered]": 1}


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'password'",
        "TokenExpiredError: token has expired",
        "authorization_failed for user 7",
        "AuthenticationError: invalid token",
        "basic authentication required",
        "bearer token missing",
        "author: bob, pages: 300",
        "SELECT id, password, token FROM account WHERE password = ? AND token = %s AND t = :token",
        "SELECT a.token FROM a JOIN b ON a.token = b.token",
        "order 4111111111111112 of 1795459125544976",
        "http://shop.example:8080/users/a@b",
        "at 12:30:45 in shop/auth.py:17",
        "keyboard=qwerty monkey=1",
        "f(password=None, token=True)",
        "da71125d3eb140a282a8196e0650f1ab",
        "2026-11-23T18:38:35.061246Z",
        "passed: 12, failed: 3, tokens: 500",
        "--token is missing, --token-type bearer, -- token",
        "password=%(word)s, token=%(token)s",
        "usage: login <user> <password> and <token>",
        "Undefined property: $user->token->name",
        '<label for="password">Password:</label><div id="auth">Sign in</div>',
        '<a key="name" value="7"/><token/><password></password>',
        '{"name": "Ann", "value": "token", "key": "city"}, {"name": "token"}, {"value": "x"}',
        "50%25 of the token%20s &amp; keys, a%41=b&#61;c",
        "primary key: id, duplicate key value: x, the word: y",
        '--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nthe password\r\n--b--',
        "WHERE name LIKE '%70a' AND token = %s",
    ],
)
def test_meaning_stays(text):
    assert scrubbed(text) == text


def test_stack_frames_keep_their_program():
    frame = {
        "function": "get_token",
        "module": "shop.auth",
        "filename": "shop/auth.py",
        "pre_context": ["def get_token(password):", "    token = request.form['token']"],
        "context_line": "    return sign(password=password, key=SECRET_KEY)",
        "post_context": [f"API_KEY = '{SECRET}'"],
        "vars": {"password": f"'{SECRET}'", "user": "'bob'"},
    }
    clean = scrubbed(frame)
    assert clean["vars"] == {"password": "[Filtered]", "user": "'bob'"}
    assert clean["post_context"] == ["API_KEY = '[Filtered]'"]
    for name in ("function", "module", "filename", "pre_context", "context_line"):
        assert clean[name] == frame[name]


def test_lists_of_pairs_and_of_named_values():
    clean = scrubbed(
        {
            "headers": [["Cookie", f"a={SECRET}"], ["Host", "shop.example"], ["Auth", SECRET]],
            "cookies": {"sid": SECRET, "theme": SECRET},
            "env": [{"name": "DB_PASSWORD", "value": SECRET}, {"key": "HOME", "value": "/root"}],
            "argv": ["shop", "--token", SECRET, "--verbose", f"--api-key={SECRET}"],
            "fingerprint": ["auth", "timeout"],
        }
    )
    assert clean == {
        "headers": [["Cookie", "[Filtered]"], ["Host", "shop.example"], ["Auth", "[Filtered]"]],
        "cookies": {"sid": "[Filtered]", "theme": "[Filtered]"},
        "env": [{"name": "DB_PASSWORD", "value": "[Filtered]"}, {"key": "HOME", "value": "/root"}],
        "argv": ["shop", "--token", "[Filtered]", "--verbose", "--api-key=[Filtered]"],
        "fingerprint": ["auth", "timeout"],
    }


def test_a_project_adds_names_patterns_and_safe_fields():
    rules = {"names": ("tax_id",), "patterns": (r"CUST-\d+",), "safe": ("token",)}
    sample = {
        "customerTaxId": "DE1",
        "note": "CUST-17 called, tax-id: DE1",
        "token": "public",
        "tokens": "a",
    }
    assert scrubbed(sample, **rules) == {
        "customerTaxId": "[Filtered]",
        "note": "[Filtered] called, tax-id: [Filtered]",
        "token": "public",
        "tokens": "[Filtered]",
    }


def test_a_projects_short_name_is_a_whole_word():
    sample = {"vat": "DE1", "vatId": "DE1", "VAT_ID": "DE1", "private": "x", "savate": "y"}
    assert scrubbed(sample, names=("vat",)) == {
        "vat": "[Filtered]",
        "vatId": "[Filtered]",
        "VAT_ID": "[Filtered]",
        "private": "x",
        "savate": "y",
    }


def test_switched_off_it_still_mends():
    assert scrubbed({"password": "a\0b", "ip": "203.0.113.9"}, enabled=False) == {
        "password": "ab",
        "ip": "203.0.113.0",
    }


def test_patterns_are_judged_before_they_are_used():
    assert not pattern_problem(r"CUST-\d{4,}")
    assert not pattern_problem(r"(a+)+$")  # linear in RE2, so nothing is wrong with it
    assert "RE2" in pattern_problem(r"(a)\1")
    assert "RE2" in pattern_problem("(")
    assert "empty text" in pattern_problem("x*")
    assert "300" in pattern_problem("x" * 301)


def test_preview_names_each_place_and_why():
    sample = {
        "user": {"ip_address": "203.0.113.9", "id": "7"},
        "extra": {"password": SECRET, "note": f"call Bearer {SECRET}1"},
        "items": [{"card": "4111111111111111"}, f"a?token={SECRET}", "ticket CUST-1", math.nan],
    }
    found = preview(ScrubRules(patterns=(r"CUST-\d",)), sample)
    assert [(one.path, one.reason) for one in found] == [
        ("user.ip_address", "IP addresses are shortened"),
        ("extra.password", "the name 'password' says that it is secret"),
        ("extra.note", "it looks like a bearer token"),
        ("items[0].card", "it looks like a card number"),
        ("items[1]", "a value in it stands beside a secret's name"),
        ("items[2]", r"it matches the pattern CUST-\d"),
        ("items[3]", "it is no JSON that a database keeps: too long, too deep, or not a number"),
    ]
    assert found[0].before == "203.0.113.9"
    assert found[0].after == "203.0.113.0"


def test_the_edges_of_json_are_mended():
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    clean = scrubbed(
        {
            "nul\0": "a\0b",
            "lone\ud800": "\ud83d\ude00 \udc00",
            "n": [math.nan, math.inf, 2**63, -(2**63), 2**63 - 1, 1.5, True],
            "deep": deep,
            "k" * 300: 1,
            "long": "x" * 100_000,
        }
    )
    assert clean["nul"] == "ab"
    assert clean["lone\ufffd"] == "\U0001f600 \ufffd"
    assert clean["n"] == [None, None, str(2**63), -(2**63), 2**63 - 1, 1.5, True]
    assert "k" * 200 in clean
    assert len(clean["long"]) == TEXT_LENGTH
    assert clean["long"].endswith("… [cut]")
    assert str(clean["deep"]).count("[") <= DEPTH + 1
    orjson.dumps(clean)


def test_a_secret_across_the_cut_is_gone():
    text = "x" * (TEXT_LENGTH - 20) + f" password='{SECRET}' and more " + "y" * 50
    assert SECRET[:5] not in scrubbed(text)


def test_same_rules_share_a_scrubber():
    assert scrubber(ScrubRules()) is scrubber(ScrubRules())
    assert scrubber(ScrubRules(names=("x",))) is not scrubber(ScrubRules())


SECRET_WORDS = st.sampled_from(
    [
        "password=",
        "token: ",
        "'secret': '",
        '"',
        "'",
        "\\",
        "Bearer ",
        "://u:",
        "@",
        "[Filtered]",
        "=",
        "&",
        "(",
        "[",
        "a",
        " ",
        "INSERT INTO t (password) VALUES (",
        ")",
        "cookie:",
        "\n",
        "4111111111111111",
        "<password>",
        "</password>",
        '{"name": "token", "value": ',
        "}",
        "%3D",
        "%70assword",
        "&quot;",
        "\r\n\r\n",
        'Content-Disposition: form-data; name="token"',
        " -> ",
    ]
)
TEXTS = st.text(max_size=20) | st.lists(SECRET_WORDS, max_size=12).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            TEXTS | st.sampled_from(["password", "context_line", "cookies", "ip"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_scrubbing_is_total_idempotent_and_gives_json(value):
    work = scrubber(ScrubRules(names=("planted",), patterns=("x+",)))
    once = work.scrub(value)
    assert work.scrub(once) == once
    assert orjson.loads(orjson.dumps(once)) == once


@settings(deadline=None)
@given(st.text(max_size=40))
def test_every_name_has_a_verdict(name):
    assert judge(name) in Verdict
