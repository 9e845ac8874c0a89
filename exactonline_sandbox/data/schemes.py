"""Generate the classification schemes of full books, and map every ledger account in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.data.chart import chart_of
from exactonline_sandbox.data.csv_files import read_rows
from exactonline_sandbox.data.ledgers import fill_classification, gl_account

if TYPE_CHECKING:
    from exactonline_sandbox.data.maker import Maker

SCHEMES = "financial/GLSchemes"
MAPPINGS = "financial/GLAccountClassificationMappings"
RGS, OWN = "RGS", "EIGEN"
_SCHEMES = ((RGS, "RGS 3.5", 0), (OWN, "Eigen rubricering", 1))


def fill_schemes(maker: Maker) -> None:
    """Make two schemes, and map every account once in each.

    One is in the form of RGS, where a code begins with that of its parent, one the company's own.
    """
    schemes = {}
    for code, description, main in _SCHEMES:
        values = {"ID": maker.guid(), "Code": code, "Description": description, "Main": main}
        schemes[code] = maker.load(SCHEMES, values)
    keys: dict[str, str] = {}
    for row in read_rows("classifications"):
        code, scheme = row["code"], row["scheme"]
        parent = keys.get(_parent(code)) if scheme == RGS else None
        keys[code] = fill_classification(
            maker,
            code,
            row["description"],
            Parent=parent,
            TaxonomyNamespace=schemes[scheme]["ID"],
        )
    for account in chart_of(maker.company.profile).accounts:
        for scheme, classification in ((RGS, account.rgs), (OWN, account.own)):
            maker.load(
                MAPPINGS,
                {
                    "ID": maker.guid(),
                    "GLAccount": gl_account(maker, account.role),
                    "Classification": keys[str(classification)],
                    "GLSchemeID": schemes[scheme]["ID"],
                },
            )


def _parent(code: str) -> str:
    """The code of the level above: `B` or `W` and segments of three letters."""
    return code[:-3] if len(code) > 1 else ""
