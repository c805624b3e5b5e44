"""A record with every kind of field, and many of it, made from a number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel


class Grower(BaseModel):
    """A model within the model: kept as JSON."""

    name: str
    acres: float


class Fruit(BaseModel):
    """Every kind of field, with and without None."""

    id: int
    name: str
    note: str | None = None
    weight: float
    price: Decimal
    discount: Decimal | None = None
    organic: bool
    picked: date
    at: time | None = None
    sold: datetime | None = None
    seen: AwareDatetime
    batch: UUID
    picture: bytes | None = None
    grower: Grower
    tags: list[str] | None = None


def fruit(number: int, **changed: object) -> Fruit:
    """One of them; some of its fields are None."""
    some = number % 2 == 0
    values = {
        "id": number,
        "name": f"fruit {number} \N{PEAR}",
        "note": "a note\nof two lines" if some else None,
        "weight": number / 7,
        "price": Decimal(number) / 4,
        "discount": Decimal("0.125") if some else None,
        "organic": some,
        "picked": date(2026, 1, 1) + timedelta(days=number % 300),
        "at": time(12, 30, 15, 250_000) if some else None,
        "sold": datetime(2026, 2, 3, 4, 5, 6) if some else None,
        "seen": datetime(2026, 3, 4, 5, 6, 7, 891_000, tzinfo=timezone(timedelta(hours=number % 5))),
        "batch": UUID(int=number),
        "picture": bytes(range(number % 256)) if some else None,
        "grower": Grower(name=f"grower {number % 7}", acres=1.5),
        "tags": ["red", "sweet"] if some else None,
    }
    return Fruit.model_validate({**values, **changed})


def fruits(count: int) -> Iterator[Fruit]:
    """So many of them."""
    return map(fruit, range(count))


def instant(value: datetime) -> datetime:
    """Return the same instant in UTC."""
    return value.astimezone(UTC)
