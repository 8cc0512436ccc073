"""All kinds of channels, in the order of their forms."""

from collections.abc import Mapping

from console.channels import email, pagerduty, slack, slack_webhook, webhook
from console.channels.kinds import Kind

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (email.KIND, slack.KIND, slack_webhook.KIND, pagerduty.KIND, webhook.KIND)
}
