"""What people ask of the web vitals pages."""

from typing import Any, ClassVar

from wtforms import SelectField, StringField
from wtforms.validators import InputRequired

from console.performance.forms.requests import SHORT_TEXT
from console.performance.vitals.cards import CURRENT
from console.telemetry.vital_splits import VitalsWanted
from console.telemetry.web_vitals import BY_NAME, WebVital
from console.web.choices import choices
from console.web.forms import FilterForm, SearchField, release_field

DEVICES = {"": "Any device", "desktop": "Desktop", "mobile": "Mobile", "tablet": "Tablet"}
SORTS = {
    "impact": "Impact",
    "loads": "Page loads",
    **{metric.name: metric.name for metric in CURRENT},
}


class VitalsFilter(FilterForm):
    """Which page loads count, the metric that is looked at, and the order of the table."""

    label = "Filter page loads"
    hidden: ClassVar[tuple[str, ...]] = ("metric", "sort")

    q = SearchField("Search pages", [SHORT_TEXT])
    device = SelectField("Device", choices=choices(DEVICES.items()), default="")
    release = release_field()
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
    def filters(self) -> dict[str, Any]:
        """What of it a Scope knows. Only for a form that validates."""
        return {"text": (self.q.data or "").strip(), "release": self.release.data or ""}

    @property
    def where(self) -> dict[str, str]:
        """The rest of it, by the dimensions of the catalogue."""
        return {"device": self.device.data} if self.device.data else {}

    @property
    def asked(self) -> dict[str, Any]:
        """What links to panels and pages hand on."""
        fields = {
            "q": self.q,
            "device": self.device,
            "release": self.release,
            "metric": self.metric,
        }
        return {name: field.data for name, field in fields.items() if field.data}


class VitalsPageFilter(VitalsFilter):
    """The same of one page, by its name as the table shows it."""

    hidden = ("metric", "sort", "q", "page")

    page = StringField("Page", [InputRequired("Say which page."), SHORT_TEXT])

    @property
    def wanted(self) -> VitalsWanted:
        """The same for the question. Only for a form that validates."""
        return VitalsWanted(page=self.page.data or "", device=self.device.data or "")

    @property
    def filters(self) -> dict[str, Any]:
        """What of it a Scope knows: the text was of the list that led here."""
        return super().filters | {"text": ""}

    @property
    def where(self) -> dict[str, str]:
        """The rest of it, by the dimensions of the catalogue."""
        return super().where | {"page": self.page.data or ""}
