"""For how long nobody was heard of, as people and scripts say it."""

from wtforms.validators import InputRequired, NumberRange

from console.web.forms import FilterForm, IntegerField


class SilentForm(FilterForm):
    """Which monitors count as silent."""

    label = "Choose monitors"

    days = IntegerField(
        "Silent for days",
        [InputRequired("How many days?"), NumberRange(1, 366, "Between 1 and 366 days.")],
        default=30,
    )
