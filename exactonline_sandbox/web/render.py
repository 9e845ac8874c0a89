"""Render the pages from templates, which escape every value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from decimal import Decimal

_environment = Environment(
    loader=PackageLoader("exactonline_sandbox.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: object) -> str:
    """Render a page."""
    return _environment.get_template(template).render(values)


def _amount(value: Decimal | None) -> str:
    """An amount in cents; nothing for none."""
    return "" if value is None else f"{value:,.2f}"


def _price(value: Decimal | None) -> str:
    """A price in cents, or with as many digits as it has."""
    if value is None:
        return ""
    return f"{value:,.2f}" if value == round(value, 2) else f"{value.normalize():,f}"


def _plain(value: Decimal | None) -> str:
    """A number without needless zeros."""
    return "" if value is None else f"{value.normalize():f}"


def _percentage(value: Decimal | None) -> str:
    return "" if value is None else f"{(value * 100).normalize():f}%"


_environment.filters.update(amount=_amount, price=_price, plain=_plain, percentage=_percentage)
