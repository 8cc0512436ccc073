"""What people ask of the web vitals pages."""

from typing import Any

from wtforms import Form, SelectField, StringField
from wtforms.validators import InputRequired

from console.performance.forms.requests import SHORT_TEXT
from console.performance.vitals.cards import CURRENT
from console.telemetry.vitals import VitalsWanted
from console.telemetry.web_vitals import BY_NAME, WebVital
from console.web.choices import choices

DEVICES = {"": "Any device", "desktop": "Desktop", "mobile": "Mobile", "tablet": "Tablet"}
SORTS = {"impact": "Impact", "loads": "Page loads", **{one.name: one.name for one in CURRENT}}


class VitalsFilter(Form):
    """Which page loads count, the metric that is looked at, and the order of the table."""

    q = StringField("Page", [SHORT_TEXT])
    device = SelectField("Device", choices=choices(DEVICES.items()), default="")
    release = StringField("Release", [SHORT_TEXT])
    metric = SelectField(
        "Metric", choices=choices((name, name) for name in BY_NAME), default=CURRENT[0].name
    )
    sort = SelectField("Sort", choices=choices(SORTS.items()), default="impact")

    @property
    def chosen(self) -> WebVital:
        return BY_NAME[self.metric.data]

    @property
    def wanted(self) -> VitalsWanted:
        """The same for the question. Only for a form that validates."""
        return VitalsWanted(text=self.q.data or "", device=self.device.data or "")

    @property
    def narrowed(self) -> bool:
        """Whether page loads are left out."""
        return bool(self.q.data or self.device.data or self.release.data)

    @property
    def asked(self) -> dict[str, Any]:
        """What links to panels and pages hand on."""
        fields = {"device": self.device, "release": self.release, "metric": self.metric}
        return {name: field.data for name, field in fields.items() if field.data}


class VitalsPageFilter(VitalsFilter):
    """The same of one page, by its name as the table shows it."""

    page = StringField("Page", [InputRequired("Say which page."), SHORT_TEXT])

    @property
    def wanted(self) -> VitalsWanted:
        """The same for the question. Only for a form that validates."""
        return VitalsWanted(page=self.page.data or "", device=self.device.data or "")
