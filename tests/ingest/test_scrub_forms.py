"""Secrets in texts that are something else: encoded, XML, forms; and values with a name beside."""

import time

import orjson
import pytest

from console.ingest.scrub import Scrubber
from console.ingest.scrub_rules import ScrubRules
from tests.ingest.test_scrub import SECRET, scrubbed


@pytest.mark.parametrize(
    "text",
    [
        # Encoded, also more than once
        f"a=1&%70assword={SECRET}&b=2",
        f"pass%77ord={SECRET}",
        f"user%5Bpassword%5D={SECRET}",
        f"/login?next=%2Fcb%3Fpass%2577ord%3D{SECRET}",
        f"%2570assword%253D{SECRET}",
        f"body=%7B%22password%22%3A%22{SECRET}%22%7D",
        f"Bearer%20{SECRET}1",
        f"&quot;password&quot;:&quot;{SECRET}&quot;",
        f"password&#61;{SECRET} password&#x3D;{SECRET}",
        f'{{"p\\u0061ssword": "{SECRET}"}}',
        # Named beside
        f'{{"field": "password", "value": "{SECRET}"}}',
        f"[{{'value': '{SECRET}', 'x': [1, {{}}], 'name': 'token'}}, {{'name': 'a'}}]",
        f'can\'t: {{\\"key\\": \\"API_KEY\\", \\"value\\": {{\\"stringValue\\": \\"{SECRET}\\"}}}}',
        f"Header(name='Authorization', value='{SECRET}')",
        f'{{"name": "password", "old": "{SECRET}", "new": "{SECRET}',
        # XML, HTML and parts of forms
        f"<user><Password type='x'>{SECRET}</Password><city>Bath</city></user>",
        f"<wsse:Password>\n  {SECRET}\n</wsse:Password>",
        f"<login> <token><![CDATA[{SECRET}]]></token>",
        f"usage: <password> or <password>{SECRET}</password>",
        f"&lt;password&gt;{SECRET}&lt;/password&gt;",
        f"<api_key>{SECRET}",
        f'<add key="password" value="{SECRET}"/><add value="{SECRET}" key="token"/>',
        f'<input type=password value="{SECRET}">',
        f'<string name="api_key">{SECRET}</string>',
        f"<key>password</key><string>{SECRET}</string>",
        f"<member><name>password</name><value><string>{SECRET}</string></value></member>",
        f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{SECRET}\r\n--b--',
        f"--b\ncontent-disposition: form-data; name=token\n\na\n{SECRET}\n--b--",
        "--b\r\nContent-Type: text/plain\r\n"  # noqa: ISC004 - these are the lines of one text
        'Content-Disposition: form-data; filename="a;b"; name="user[password]"\r\n'
        f"Content-Transfer-Encoding: binary\r\n\r\n{SECRET} and more",
        f'b\'--b\\r\\nContent-Disposition: form-data;name="secret"\\r\\n\\r\\n{SECRET}\\n--b',
    ],
)
def test_secrets_inside_encoded_and_marked_up_texts(text):
    clean = scrubbed(text)
    assert SECRET not in clean
    assert "[Filtered]" in clean
    assert scrubbed(clean) == clean


@pytest.mark.parametrize(
    "pair",
    [
        {"field": "password", "value": SECRET},
        {"Name": "Authorization", "Values": [SECRET, SECRET]},
        {"header": "X-Api-Key", "value": {"stringValue": SECRET}},
        {"value": SECRET, "param": "access_token"},
        {"k": "token", "v": SECRET},
        {"columnName": "db_password", "oldValue": SECRET, "newValue": SECRET},
        {"type": "missing", "loc": ["body", "password"], "msg": "m", "input": SECRET},
        {"op": "replace", "path": "/user/password", "value": SECRET},
        {"pass%77ord": SECRET},
        {"%2570assword": SECRET},
        {"user%5Btoken%5D": SECRET},
        {"tOkEn": SECRET},
        {"jWt": SECRET},
        {"DB_PASS": SECRET},
        {"passCode": SECRET},
    ],
)
def test_a_secret_is_named_in_many_ways(pair):
    for value in (pair, [pair], {"data": {"rows": [pair, pair]}}, orjson.dumps(pair).decode()):
        clean = scrubbed(value)
        assert SECRET not in str(clean)
        assert scrubbed(clean) == clean


def test_headers_in_one_list_and_wide_letters():
    sample = {
        "headers": ["Authorization", SECRET, "Host", "shop.example"],
        "rawHeaders": ["Host", "shop.example", "Cookie", SECRET],
        "\uff50assword": SECRET,
    }
    assert scrubbed(sample) == {
        "headers": ["Authorization", "[Filtered]", "Host", "shop.example"],
        "rawHeaders": ["Host", "shop.example", "Cookie", "[Filtered]"],
        "\uff50assword": "[Filtered]",
    }


def test_members_that_name_nothing_secret_keep_their_values():
    sample = {
        "fields": [{"name": "city", "value": "Bath"}, {"path": "/token", "value": "x"}],
        "missing": ["password", "email"],
        "headers": ["Host: shop.example", "Accept: */*"],
        "crumb": {"category": "auth", "text": "signed in", "id": "7"},
        "tokens": [{"key": "input_tokens", "value": 5}],
    }
    assert scrubbed(sample) == sample | {"tokens": "[Filtered]"}
    assert scrubbed({"usage": sample["tokens"]}) == {"usage": sample["tokens"]}


def test_no_text_stalls_the_scrubber():
    hostile = [
        "password=" * 6000,
        "a" * 60_000 + "=",
        "://" * 20_000,
        "-eyJ" * 15_000,
        "\\" * 60_000,
        "token:\\" * 8_000,
        'password:\\"' + "\\" * 60_000,
        "1 " * 30_000,
        "(" * 60_000,
        "token=(" * 9_000,
        "'" * 60_000,
        "-----BEGIN PRIVATE KEY-----" * 2_000,
        "AKIA" * 15_000,
        "select " * 9_000 + "password='x'",
        "bearer " * 9_000,
        "://a:" * 12_000,
        "%3Ftoken%3D" * 5_000,
        "token=%" + "25" * 30_000,
        "%26token%3D" * 5_000,
        "&amp;" * 12_000 + "token=&#38;#38;",
        "<token>" * 9_000,
        "<token a='" * 6_000 + "</token>",
        "".join(f"<token{n}>" for n in range(6_000)) + "</token1>",
        'Content-Disposition: form-data; name="token"\r\n\r\n' * 1_300,
        "content-disposition: form-data" + '\\"' * 30_000 + "token=",
        "{name='token'," * 4_500,
        '{"name":"token","value":' * 2_500,
        "name:token " + "{[(" * 20_000,
        "token" + " " * 60_000 + "=",
        "api key " * 8_000 + "=",
    ]
    rules = ScrubRules(patterns=(r"(a+)+$", r"(.*)(.*)(.*)x$"))
    for text in hostile:
        started = time.process_time()
        Scrubber(rules).scrub([text[cut:] for cut in range(8)])  # half of what an event may hold
        assert time.process_time() - started < 2.0, text[:20]
