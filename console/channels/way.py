"""How the console as a whole is set up to send, beside each channel's own settings."""

from console.channels.kinds import Way
from console.core.config import Config, config


def way() -> Way:
    """What the running console is set up with."""
    return way_of(config())


def way_of(settings: Config) -> Way:
    """What these settings of a console mean for channels."""
    return Way(
        smtp_url=settings.smtp_url,
        mail_from=settings.mail_from,
        slack_url=settings.slack_url.rstrip("/"),
        pagerduty_url=settings.pagerduty_url.rstrip("/"),
        allow_private=settings.private_addresses,
        base_url=settings.base_url,
        apprise=settings.apprise,
    )
