"""Web vitals: the metrics, their thresholds, and the buckets that page loads are counted in."""

from dataclasses import dataclass
from math import ceil, log
from typing import Literal

Rating = Literal["good", "needs improvement", "poor"]
ZERO = -500
"""The bucket of the value 0: most page loads shift nothing."""
FINE = 4
"""How many finer buckets page loads divide each bucket into: P75 to half a per cent, unsorted."""
NOTHING = 1e-5
"""Values up to this count as 0, which has no logarithm."""
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class WebVital:
    """One of the web vitals; values are milliseconds, and CLS is a score without a unit."""

    name: str
    label: str
    good: float
    """Up to here a value is good (web.dev, "Web Vitals")."""
    poor: float
    """Above this it is poor."""
    most: float
    """Values above this are implausible and dropped (Sentry has the same limits)."""
    steps: int
    """Buckets between the two thresholds: about 4 % wide, and divisible by 4 for charts."""
    unit: str = "ms"
    is_legacy: bool = False

    @property
    def column(self) -> str:
        return self.name.lower()

    @property
    def bucket_column(self) -> str:
        """Where a page load keeps the bucket of its value."""
        return f"{self.column}_bucket"

    @property
    def log_ratio(self) -> float:
        """The logarithm of how much wider each bucket is: `poor` is the edge of bucket `steps`."""
        return log(self.poor / self.good) / self.steps

    @property
    def fine_ratio(self) -> float:
        """The same for the finer buckets of page loads."""
        return self.log_ratio / FINE

    def rating(self, value: float) -> Rating:
        if value <= self.good:
            return "good"
        return "needs improvement" if value <= self.poor else "poor"

    def is_plausible(self, value: float) -> bool:
        """Whether a page can have measured this value; NaN is not plausible."""
        return 0 <= value <= self.most

    def bucket(self, value: float) -> int:
        """The bucket of a value: b has the values above value_at(b - 1) and up to value_at(b).

        Bucket 0 is the last good one, `steps` the last that is not poor.
        """
        if value <= NOTHING:
            return ZERO
        return ceil(log(value / self.good) / self.log_ratio - _TOLERANCE)

    def fine_value(self, bucket: int) -> float:
        """The value that stands for one of the finer buckets."""
        return 0.0 if bucket <= ZERO * FINE else self.value_at((bucket - 0.5) / FINE)

    def middle(self, bucket: int) -> float:
        """The value that stands for a bucket, within 2 % of all of its values."""
        return self.value_in(bucket, 0.5)

    def value_in(self, bucket: int, share: float) -> float:
        """The value at a share of the way through a bucket, 0 to 1."""
        return 0.0 if bucket <= ZERO else self.value_at(bucket - 1 + share)

    def value_at(self, bucket: float) -> float:
        """The upper edge of a bucket."""
        return float(self.good * (self.poor / self.good) ** (bucket / self.steps))


LCP = WebVital("LCP", "Largest Contentful Paint", 2500, 4000, 60_000, 12)
INP = WebVital("INP", "Interaction to Next Paint", 200, 500, 60_000, 24)
CLS = WebVital("CLS", "Cumulative Layout Shift", 0.1, 0.25, 100, 24, unit="")
FCP = WebVital("FCP", "First Contentful Paint", 1800, 3000, 60_000, 12)
TTFB = WebVital("TTFB", "Time to First Byte", 800, 1800, 60_000, 20)
FID = WebVital("FID", "First Input Delay", 100, 300, 60_000, 28, is_legacy=True)
METRICS = (LCP, INP, CLS, FCP, TTFB, FID)
BY_NAME = {metric.name: metric for metric in METRICS}
