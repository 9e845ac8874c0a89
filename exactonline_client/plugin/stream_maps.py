"""Stream maps that also accept records without some columns, such as tombstones."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MappingError
from singer_sdk.mapper import CustomStreamMap, PluginMapper
from typing_extensions import override

from exactonline_client.deletion import DELETED_AT, Mark, mark_of, marks_in
from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Record = dict[str, Any]

WHOLE = ("record", "_")
"""Names of the whole record in an expression."""
_OMITTED: Any = object()


class RecordMap(CustomStreamMap):
    """A stream map that omits a column if its expression reads one that the record lacks.

    A tombstone passes every filter and keeps `_sdc_deleted_at`.
    """

    @override
    def transform(self, record: Record) -> Record | None:
        mapped = self._transform_fn(record)
        if not mapped:
            return None
        columns = {name: value for name, value in mapped.items() if value is not _OMITTED}
        if mark_of(record) is not Mark.ALIVE:
            columns |= marks_in(record)
        return self.flatten_record(columns)

    @override
    def get_filter_result(self, record: Record) -> bool:
        return is_tombstone(record) or super().get_filter_result(record)

    @override
    def _eval(
        self, expr: str, expr_parsed: ast.Expr, record: Record, property_name: str | None
    ) -> Any:
        if property_name is not None and self._reads_missing(expr_parsed, record, property_name):
            return _OMITTED
        try:
            return super()._eval(expr, expr_parsed, record, property_name)
        except Exception as error:  # noqa: BLE001 - whatever the user's expression raises
            reason = str(error.__cause__ or error).splitlines()[0].rstrip(".")
            raise ConfigurationError(
                f"Setting stream_maps, stream {self.stream_name}: {expr!r} cannot be worked out "
                f"({reason}). Does the column exist, is it selected, and may it be null?"
            ) from None

    def _reads_missing(self, expr: ast.Expr, record: Record, property_name: str) -> bool:
        """Return whether an expression reads a column of the schema that the record lacks."""
        missing = self.raw_schema["properties"].keys() - record.keys()
        nodes = [*ast.walk(expr)]
        names = [node.id for node in nodes if isinstance(node, ast.Name)]
        read = {property_name if name == "self" else name for name in names}
        inside = [node.value for node in nodes if isinstance(node, (ast.Subscript, ast.Attribute))]
        parts = sum(isinstance(one, ast.Name) and one.id in WHOLE for one in inside)
        if sum(name in WHOLE for name in names) > parts:
            return bool(missing)
        texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
        return not missing.isdisjoint(read | texts)


class Mapper(PluginMapper):
    """The stream maps of a plugin; an invalid one raises ConfigurationError."""

    def __init__(
        self,
        *,
        is_selected: Callable[[str], bool] = lambda _: True,
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Ignore invalid maps of streams that are not selected."""
        super().__init__(**options)
        self._is_selected = is_selected

    @override
    def register_raw_stream_schema(
        self, stream_name: str, schema: Record, key_properties: Sequence[str] | None
    ) -> None:
        try:
            super().register_raw_stream_schema(stream_name, schema, key_properties)
        except (MappingError, NotImplementedError, AttributeError, TypeError) as error:
            if self._is_selected(stream_name):
                raise ConfigurationError(
                    f"Setting stream_maps, stream {stream_name}: {str(error).rstrip('.')}."
                ) from None
        for each in self.stream_maps[stream_name]:
            if isinstance(each, CustomStreamMap):
                # The SDK has no way to set the class of maps.
                each.__class__ = RecordMap
                mark = schema.get("properties", {}).get(DELETED_AT)
                if mark is not None:
                    each.transformed_schema["properties"].setdefault(DELETED_AT, mark)


def is_tombstone(record: Record) -> bool:
    """Return whether a record marks its row as deleted."""
    return mark_of(record) is Mark.DELETED
