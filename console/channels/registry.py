"""All kinds of channels, in the order of their forms."""

from collections.abc import Mapping

from console.channels import apprise_urls, email, pagerduty, slack, slack_webhook, webhook
from console.channels.kinds import Kind

ALL = (
    email.KIND,
    slack.KIND,
    slack_webhook.KIND,
    pagerduty.KIND,
    webhook.KIND,
    apprise_urls.KIND,
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in ALL}
