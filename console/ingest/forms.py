"""What people say about the data of a project: which parts of it are never to be stored."""

from typing import Any

import orjson
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, TextAreaField
from wtforms.validators import ValidationError as Invalid

from console.accounts.models import IpPolicy
from console.ingest.scrub_rules import ScrubRules, pattern_problem
from console.web.choices import choices

MOST_LINES, LONGEST_NAME, LONGEST_SAMPLE = 200, 100, 100_000
IP_POLICIES = {
    IpPolicy.TRUNCATE: "Keep the network, drop the last part",
    IpPolicy.REMOVE: "Store no address",
    IpPolicy.KEEP: "Keep the whole address",
}
SAMPLE = """{
  "user": {"id": "7", "email": "ada@example.com", "ip_address": "203.0.113.7"},
  "request": {
    "url": "https://shop.example.com/pay?token=s3cr3t",
    "headers": {"Authorization": "Bearer abc.def.ghi", "Accept": "text/html"},
    "data": {"card": "4242 4242 4242 4242", "quantity": 2}
  },
  "extra": {"db_password": "hunter2", "basket": ["tea", "cups"]}
}"""


class ScrubbingForm(FlaskForm):
    """The rules of a project, and a sample to try them on."""

    scrub_defaults = BooleanField(
        "Mask secrets by their name or form: passwords, tokens, cookies, card numbers"
    )
    scrub_keys = TextAreaField(
        "Also mask these fields",
        description="One name per line. It counts wherever it occurs in a field's name.",
    )
    scrub_patterns = TextAreaField(
        "Also mask texts that match",
        description="One regular expression (RE2) per line, such as \\bcust-\\d{6}\\b.",
    )
    scrub_safe_keys = TextAreaField(
        "Never mask these fields",
        description="One name per line, for what only sounds secret, such as token_count.",
    )
    ip_policy = SelectField(
        "IP addresses",
        choices=choices(IP_POLICIES.items()),
        coerce=IpPolicy,
        description="Visitors are counted one by one with each choice, by a keyed hash.",
    )
    sample = TextAreaField(
        "Sample", default=SAMPLE, description="An event or a part of one, as JSON. It is not kept."
    )

    def validate_scrub_keys(self, field: TextAreaField) -> None:
        _check_names(field)

    def validate_scrub_safe_keys(self, field: TextAreaField) -> None:
        _check_names(field)

    def validate_scrub_patterns(self, field: TextAreaField) -> None:
        for pattern in lines(field):
            problem = pattern_problem(pattern)
            if problem:
                raise Invalid(f"“{pattern[:40]}”: {problem}")
        _check_count(field)

    def validate_sample(self, field: TextAreaField) -> None:
        if len(field.data or "") > LONGEST_SAMPLE:
            raise Invalid("A sample has at most 100,000 characters.")
        try:
            orjson.loads(field.data or "null")
        except orjson.JSONDecodeError as error:
            raise Invalid(f"This is no JSON: {error}.") from None

    @property
    def rules(self) -> ScrubRules:
        """The rules as the scrubber takes them."""
        return ScrubRules(
            enabled=bool(self.scrub_defaults.data),
            names=tuple(lines(self.scrub_keys)),
            patterns=tuple(lines(self.scrub_patterns)),
            safe=tuple(lines(self.scrub_safe_keys)),
            ip=self.ip_policy.data.value,
        )

    @property
    def example(self) -> Any:
        """The sample's JSON."""
        return orjson.loads(self.sample.data or "null")


def lines(field: TextAreaField) -> list[str]:
    """The lines that say something, each once."""
    written = (line.strip() for line in (field.data or "").splitlines())
    return list(dict.fromkeys(line for line in written if line))


def _check_names(field: TextAreaField) -> None:
    for name in lines(field):
        if len(name) > LONGEST_NAME:
            raise Invalid(f"“{name[:40]}…” is longer than {LONGEST_NAME} characters.")
    _check_count(field)


def _check_count(field: TextAreaField) -> None:
    if len(lines(field)) > MOST_LINES:
        raise Invalid(f"At most {MOST_LINES} lines.")
