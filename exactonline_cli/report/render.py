"""Render the report from templates, which escape every value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from exactonline_cli.report.amounts import STYLES
from exactonline_cli.report.blocks import Share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from decimal import Decimal

    from exactonline_cli.calls_left import CallsLeft
    from exactonline_cli.report.amounts import Style
    from exactonline_cli.report.blocks import Company
    from exactonline_cli.report.proofs import Proofs


@dataclass(frozen=True)
class Report:
    """All that is in the report."""

    made_at: datetime
    source: str
    """Database and schema."""
    companies: Sequence[Company]
    calls: Sequence[CallsLeft]
    proofs: Proofs | None


def render(report: Report, language: str) -> str:
    """Render the report, with numbers as they are written in a language."""
    style = STYLES[language]
    environment = Environment(
        loader=PackageLoader("exactonline_cli.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"amount": style.amount, "short": style.short, "cell": _cell(style)}
    return environment.get_template("report.html").render(report=report)


def _cell(style: Style) -> Callable[[Decimal | Share | None], str]:
    def written(value: Decimal | Share | None) -> str:
        if value is None:
            return ""
        return style.percentage(value.value) if isinstance(value, Share) else style.amount(value)

    return written
