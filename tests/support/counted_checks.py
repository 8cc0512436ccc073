"""Results of checks, and the metrics of checks counted from them in plain Python."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from console.telemetry.records import CheckOutcome
from tests.support.counting import Number, Row, of_all, quantile

GOOD = ("up", "slow")


def answered(rows: Sequence[Row]) -> Number:
    times = [row["duration_us"] for row in rows if row["outcome"] in GOOD and row["duration_us"]]
    return (quantile(times, 0.95) / 1000 if times else None), len(times)


def up(rows: Sequence[Row]) -> float:
    good = sum(row["seconds"] for row in rows if row["outcome"] in GOOD)
    return float(good / sum(row["seconds"] for row in rows))


def down(rows: Sequence[Row]) -> float:
    is_down = {row["check_id"] for row in rows if row["state"] == "down" and not row["maintenance"]}
    return len(is_down)


def fewest(name: str) -> Callable[[Sequence[Row]], Number]:
    def counted(rows: Sequence[Row]) -> Number:
        days = [row[name] for row in rows if row[name] is not None]
        return min(days, default=None), len(days)

    return counted


CHECKS = {"checks.uptime": of_all(up), "checks.response_time": answered}
STATES = {
    "checks.down": of_all(down),
    "checks.certificate_days": fewest("certificate_days"),
    "checks.domain_days": fewest("domain_days"),
}


def made(dice: Random, common: dict[str, Any]) -> dict[str, Any]:
    """The fields of a result of one of three checks."""
    number = dice.randrange(3)
    return common | {
        "result_id": f"{dice.randrange(1 << 128):032x}",
        "check_id": number + 1,
        "slug": ["shop", "cart", "jobs"][number],
        "kind": ["http", "http", "heartbeat"][number],
        "client_timestamp": common["timestamp"],
        "outcome": CheckOutcome(dice.choice(["up", "up", "slow", "down", "missed"])),
        "state": dice.choice(["up", "slow", "down"]),
        "counts": dice.random() < 0.9,
        "maintenance": dice.random() < 0.1,
        "seconds": dice.choice([10.0, 60.0]),
        "duration_us": dice.choice([None, 1_000 + dice.randrange(900_000)]),
        "certificate_days": dice.choice([None, dice.uniform(-1, 90)]),
        "domain_days": dice.choice([None, dice.uniform(-1, 400)]),
    }
