"""Calls of Slack's Web API: what its answers mean, and what to do about its errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from console.channels.kinds import NotDelivered, Way
from console.channels.posting import answer_of, post, redacted, refused, retry_after
from console.core.http import Call
from console.core.urls import split_url

SECONDS = 10.0
PASSING = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)
_TOKEN = "Slack does not accept the token: install the app again, and enter its new bot token."  # noqa: S105 - a sentence
SENTENCES = {
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
        _TOKEN,
    ),
    "channel_not_found": "Slack has no channel {channel} that the app can see: check the name or"
    " id, and invite the app into a private channel.",
    "not_in_channel": "The app is not in {channel}: invite it there, by /invite and its name.",
    "is_archived": "The channel {channel} is archived: choose another.",
    "missing_scope": "The app lacks the scope {needed}: add it, and install the app again.",
    "restricted_action": "A setting of the workspace keeps the app from writing in {channel}.",
    "user_not_found": "Slack knows no user {channel}.",
    "messages_tab_disabled": "The app takes no direct messages: switch on its Messages tab.",
    "ratelimited": "Slack wants fewer messages.",
}


class SlackError(NotDelivered):
    """Slack answered with an error of its own; `code` is its name."""

    code = ""


@dataclass(frozen=True, slots=True)
class Slack:
    """Slack's Web API, spoken to by an app's token."""

    token: str
    channel: str
    way: Way
    secrets: Sequence[str]

    async def call(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a method; raises NotDelivered, a SlackError if Slack gave a reason."""
        return await self._answered(
            method, "application/json; charset=utf-8", json.dumps(arguments).encode()
        )

    async def ask(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """As `call`, for methods that take no JSON."""
        return await self._answered(
            method, "application/x-www-form-urlencoded", urlencode(arguments).encode()
        )

    async def upload(self, url: str, content: bytes) -> None:
        """Send a file to the address that Slack gave for it; raises NotDelivered."""
        try:
            own = split_url(self.way.slack_url).hostname == split_url(url).hostname
        except ValueError:
            raise NotDelivered("Slack gave an address for the picture that is none.") from None
        call = Call(
            url=url,
            method="POST",
            headers={"Content-Type": "application/octet-stream"},
            body=content,
            seconds=SECONDS,
            redirects=0,
            allow_private=own or self.way.allow_private,
        )
        reply = await post(call, self.secrets)
        if reply.status != 200:
            raise refused(reply, "Slack", self.secrets)

    async def _answered(self, method: str, content_type: str, body: bytes) -> dict[str, Any]:
        call = Call(
            url=f"{self.way.slack_url}/{method}",
            method="POST",
            headers={"Content-Type": content_type, "Authorization": f"Bearer {self.token}"},
            body=body,
            seconds=SECONDS,
            redirects=0,
            allow_private=True,  # the operator's own setting says where Slack is
        )
        reply = await post(call, self.secrets)
        if reply.status != 200:
            raise refused(reply, "Slack", self.secrets)
        try:
            answer = json.loads(reply.body)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise NotDelivered(
                "Slack did not answer with JSON.",
                status=reply.status,
                answer=answer_of(reply, self.secrets),
            )
        if answer.get("ok") is not True:
            raise self._error(answer, retry_after(reply.headers))
        return answer

    def _error(self, answer: Mapping[str, Any], wait: float | None) -> SlackError:
        code = str(answer.get("error", "unknown"))[:100]
        sentence = SENTENCES.get(code, "Slack refused the message: {code}.").format(
            channel=self.channel, needed=str(answer.get("needed", ""))[:200], code=code
        )
        error = SlackError(
            redacted(sentence, self.secrets),
            permanent=code not in PASSING,
            status=200,
            answer=redacted(json.dumps(answer, ensure_ascii=False), self.secrets),
            retry_after=wait if code in PASSING else None,
        )
        error.code = code
        return error
