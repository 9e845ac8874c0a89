"""Create, change and delete rows by the rules of their entity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.books.references import ADDRESSES, USERS, reference
from exactonline_sandbox.business import entries, invoices, master_data, orders, refusals
from exactonline_sandbox.business.editor import missing
from exactonline_sandbox.business.rules import Lines, Rules
from exactonline_sandbox.edm.model import schema
from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.business.editor import Editor

_RULES: dict[str, Rules] = {
    **master_data.RULES,
    **invoices.RULES,
    **entries.RULES,
    **orders.RULES,
}
_NO_RULES = Rules()
_SAME_ADDRESS = ("Account", "Type", "AddressLine1", "Postcode", "City", "Country")


def create(editor: Editor, table: str, row: Row, lines: Lines | None = None) -> Row:
    """Add a row, with its lines.

    Args:
        editor: Edits the company.
        table: Id of its plain endpoint.
        row: Its given values; may contain the key.
        lines: Given values of its lines, by navigation property.

    Returns:
        The new row, or an equal one that exists, for addresses.

    Raises:
        ApiError: 500 if a business rule refuses it.
    """
    lines = lines or {}
    row.pop("Division", None)
    rules = _RULES.get(table, _NO_RULES)
    _check_required(editor, table, row, lines)
    _check_references(editor, table, row)
    refusals.check(editor, table, row)
    if table == ADDRESSES:
        same = _same_address(editor, row)
        if same is not None:
            return same
    key = schema().key_columns(table)[0]
    row.setdefault(key, _new_key(editor, table))
    children = _children(table, lines)
    for child_table, field, rows in children:
        child_key = schema().key_columns(child_table)[0]
        for number, line in enumerate(rows, start=1):
            _check_references(editor, child_table, line)
            refusals.check(editor, child_table, line)
            line.setdefault(child_key, editor.guid())
            line[field] = row[key]
            if "LineNumber" in schema().endpoints[child_table].columns:
                line["LineNumber"] = number
    rules.prepare(editor, row, lines)
    editor.insert(table, row)
    for child_table, _, rows in children:
        editor.insert(child_table, *rows)
    rules.created(editor, row)
    return row


def change(editor: Editor, table: str, row: Row, changes: Row) -> None:
    """Change a row.

    Raises:
        ApiError: 500 if a business rule refuses it.
    """
    rules = _RULES.get(table, _NO_RULES)
    _check_references(editor, table, changes)
    refusals.check(editor, table, changes)
    for name in rules.required or ():
        if name in changes and changes[name] is None:
            raise missing(name)
    rules.changing(editor, row, changes)
    if changes:
        editor.update(table, row, changes)
        rules.changed(editor, row)


def remove(editor: Editor, table: str, row: Row) -> None:
    """Delete a row.

    Raises:
        ApiError: 500 if a business rule refuses it.
    """
    rules = _RULES.get(table, _NO_RULES)
    rules.removing(editor, row)
    editor.delete(table, [row])
    rules.removed(editor, row)


def _new_key(editor: Editor, table: str) -> str | int:
    key = schema().key_columns(table)[0]
    if schema().endpoints[table].properties[key].type == "Edm.Guid":
        return editor.guid()
    return editor.company.number(f"key of {table}", 1000)


def _check_required(editor: Editor, table: str, row: Row, lines: Lines) -> None:
    rules = _RULES.get(table, _NO_RULES)
    required = set(rules.required or ())
    endpoint = schema().endpoints[table]
    if rules.required is None or editor.company.switches.strict_mandatory:
        required |= set(endpoint.mandatory_post) - set(endpoint.key)
    absent = sorted(name for name in required if row.get(name) is None and not lines.get(name))
    if absent:
        raise missing(*absent)


def _check_references(editor: Editor, table: str, row: Row) -> None:
    columns = schema().endpoints[table].columns
    for name, value in row.items():
        target = reference(columns[name]) if name in columns else None
        if target is None or value is None or target.table == USERS:
            continue
        rows = editor.company.table(target.table)
        found = rows.by_code(value) if target.by_code else rows.get(value)
        if found is None:
            raise invalid(f"Invalid reference: {name}")


def _children(table: str, lines: Lines) -> list[tuple[str, str, list[Row]]]:
    """The lines of a row by collection: table, foreign key column, rows."""
    properties = schema().endpoints[table].properties
    found = []
    for navigation, rows in lines.items():
        item = properties[navigation]
        if item.entity is not None and item.field is not None:
            found.append((item.entity, item.field, rows))
    return found


def _same_address(editor: Editor, row: Row) -> Row | None:
    wanted = [row.get(name) for name in _SAME_ADDRESS]
    for other in editor.where(ADDRESSES, "Account", row["Account"]):
        if [other.get(name) for name in _SAME_ADDRESS] == wanted:
            return other
    return None
