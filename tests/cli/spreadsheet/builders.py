"""Spreadsheets for tests, made as people and programs make them."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import xlsxwriter  # type: ignore[import-untyped]

from exactonline_cli.spreadsheet import documents, files, headers, rules
from exactonline_cli.spreadsheet.choices import Choices
from target_exactonline.schema import entities

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from exactonline_cli.spreadsheet.model import Document, Draft

HEADERS = ("Factuurnummer", "Klantcode", "Factuurdatum", "Artikelcode", "Aantal", "Prijs")


def csv_bytes(
    rows: Sequence[Sequence[str]],
    *,
    delimiter: str = ";",
    encoding: str = "utf-8",
    before: str = "",
) -> bytes:
    """A CSV file; `before` stands in front of its rows."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return (before + text.getvalue()).encode(encoding)


def save_csv(path: Path, rows: Sequence[Sequence[str]], **form: Any) -> Path:
    path.write_bytes(csv_bytes(rows, **form))
    return path


def save_xlsx(
    path: Path,
    sheets: dict[str, Sequence[Sequence[Any]]],
    *,
    merged: Sequence[str] = (),
    hidden: Sequence[int] = (),
) -> Path:
    """A workbook: a cell is a value, or a pair of a value and its number format.

    A text that begins with `=` is a formula; with a pair `(formula, result)` as the value it has
    a result. `merged` are ranges of the first sheet, filled by their first cell; `hidden` its rows.
    """
    with xlsxwriter.Workbook(str(path)) as book:
        for number, (name, rows) in enumerate(sheets.items()):
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    _write(book, sheet, row, column, cell)
            for area in merged if number == 0 else ():
                first = rows[int("".join(filter(str.isdigit, area.split(":")[0]))) - 1]
                sheet.merge_range(area, first[ord(area[0]) - ord("A")])
            for row in hidden if number == 0 else ():
                sheet.set_row(row - 1, None, None, {"hidden": True})
    return path


def _write(book: Any, sheet: Any, row: int, column: int, cell: Any) -> None:
    form = None
    if isinstance(cell, tuple) and isinstance(cell[1], str) and not isinstance(cell[0], tuple):
        value, text = cell
        form = book.add_format({"num_format": text})
    else:
        value = cell
    if isinstance(value, list):
        formula, result = value
        sheet.write_formula(row, column, formula, form, result)
    elif isinstance(value, str) and not value.startswith("="):
        sheet.write_string(row, column, value, form)
    elif isinstance(value, str):
        # Without a stored result, as programs write it.
        sheet.write_formula(row, column, value, form, "")
    elif value is not None:
        sheet.write(row, column, value, form)


def draft(path: Path, entity: str = "sales_invoices", **choices: Any) -> Draft:
    """The documents of a file, as far as the file alone tells."""
    encoding, sheet = choices.pop("encoding", None), choices.pop("sheet", None)
    found = entities.find(entity)
    table = files.read(path, headers.vocabulary(found), encoding, sheet)
    made = documents.draft(table, found, Choices(**choices))
    rules.apply(made)
    return made


def told(made: Draft) -> list[str]:
    """What is wrong, in the order of documents."""
    return [
        problem.sentence(document.reference)
        for document in made.documents
        for problem in document.problems
    ]


def brief(document: Document) -> tuple[str | None, list[int], list[dict[str, str]]]:
    """A document's reference, rows and lines, numbers as text."""
    return (
        document.reference,
        document.rows,
        [{name: str(value) for name, value in line.fields.items()} for line in document.lines],
    )
