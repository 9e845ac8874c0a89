"""Write rows and lists as OData verbose JSON, as WCF Data Services does."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from exactonline_sandbox.books import attachments
from exactonline_sandbox.edm.json_text import NOT_A_VALUE, text_encoder
from exactonline_sandbox.edm.model import model_name
from exactonline_sandbox.odata.answer import Answer, Shape, shape
from exactonline_sandbox.odata.literals import write_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from exactonline_client.catalogue import Property
    from exactonline_sandbox.books.references import JoinedProperty
    from exactonline_sandbox.books.tables import Row, Table
    from exactonline_sandbox.books.views import View
    from exactonline_sandbox.edm.json_text import Encode
    from exactonline_sandbox.odata.json_layout import Layout

    Children: TypeAlias = Callable[[Property, Row], tuple[View | None, list[Row]]]
    Texts: TypeAlias = tuple[str, ...]
    Columns: TypeAlias = tuple[str, ...]
    Kept: TypeAlias = dict[int, tuple[Row, tuple[Any, ...], Texts]]
    """Rows by their id, with the values that they had, and how they were written."""

_MOST_JOINED = 4096
"""Rows of a referenced table whose texts are kept."""
_MOST_PLANS = 64
"""Combinations of properties that are remembered for a view."""
_MOST_FORMS = 1024
"""Combinations of columns with a value that are remembered for a plan."""
_MARK = "\0"
_MOST_ROWS = 1000
"""Rows that a plan keeps the text of."""
_NONE: frozenset[str] = frozenset()


class RowWriter:
    """Writes the rows of one view with the same properties; good for one call.

    Rows with values in the same columns have the same form: fixed texts, and between them those of
    the values. A form is made once; a row is then written by a few loops over its values.
    """

    def __init__(
        self, view: View, shaped: Shape, root: str, children: Children, layout: Layout
    ) -> None:
        """Make the writer.

        Args:
            view: The view of the rows.
            shaped: The properties to write.
            root: Service root, including the division, without a slash at the end.
            children: Finds the view and the rows of a navigation property of a row.
            layout: The format.
        """
        self._view = view
        self._shape = shaped
        self._root = root
        self._children = children
        self._layout = layout
        self._plan = _plan(view, shaped, layout)
        self._known = [join.known() for join in self._plan.joins]
        self._kept = self._plan.kept(root) if self._plan.lasting else None
        self._writers: dict[str, RowWriter] = {}
        endpoint = view.endpoint
        self._prefix = f"{root}/{endpoint.path.removeprefix('current/')}("
        self._keys = [
            (name, endpoint.properties[name].type, view.comparable_reader(name))
            for name in endpoint.key
        ]
        self._plain_key = _plain_key(view)

    def uri(self, row: Row) -> str:
        """URL of a row."""
        if self._plain_key is not None:
            name, before, after = self._plain_key
            return f"{self._prefix}{before}{row[name]}{after})"
        literals = [(name, write_literal(read(row), kind)) for name, kind, read in self._keys]
        if len(literals) == 1:
            return f"{self._prefix}{literals[0][1]})"
        return self._prefix + ",".join(f"{name}={text}" for name, text in literals) + ")"

    def text(self, row: Row) -> str:
        """A row with its metadata, columns and navigation properties, as JSON."""
        return "".join(self.texts(row))

    def texts(self, row: Row) -> Texts:
        """The same in parts; to be joined with those of other rows at once."""
        if self._kept is None:
            return self._made(row)
        values = tuple(row.values())
        before = self._kept.get(id(row))
        # The row is kept too, so that no other has its id.
        if before is not None and before[0] is row and before[1] == values:
            return before[2]
        texts = ("".join(self._made(row)),)
        if len(self._kept) < _MOST_ROWS:
            self._kept[id(row)] = (row, values, texts)
        return texts

    def _made(self, row: Row) -> Texts:
        try:
            return self._written(row, _NONE)
        except NOT_A_VALUE:
            nulls = frozenset(name for name, value in row.items() if value is None)
            if not nulls:
                raise
            full = {name: value for name, value in row.items() if value is not None}
            return self._written(full, nulls)

    def _written(self, row: Row, nulls: frozenset[str]) -> Texts:
        plan = self._plan
        mark = (tuple(row), nulls)
        form = plan.forms.get(mark) or plan.learn(mark)
        uri = self.uri(row)
        texts = [uri if self._plain_key is not None else self._layout.quote(uri)[1:-1]]
        for values, encode in form.groups:
            texts += map(encode, values(row))
        for reference, place in form.joins:
            value, known = row[reference], self._known[place]
            texts += known.get(value) or plan.joins[place].learn(known, value)
        if plan.others:
            texts += self._computed(row)
        texts += form.fixed
        return form.order(texts)

    def _computed(self, row: Row) -> list[str]:
        """The texts of computed columns, of the link to a file, and of expanded rows."""
        layout, plan = self._layout, self._plan
        texts = [
            "null" if (value := read(row)) is None else encode(value)
            for read, encode in plan.computed
        ]
        if plan.file:
            texts.append(layout.quote(attachments.link(self._root, row)))
        for name in self._shape.expanded:
            listed = layout.array(self._written_children(name, row))
            texts.append(layout.object(layout.named("results", listed)))
        return texts

    def _written_children(self, name: str, row: Row) -> list[str]:
        view, rows = self._children(self._view.endpoint.properties[name], row)
        if view is None:
            return []
        writer = self._writers.get(name)
        if writer is None:
            shaped = shape(view.endpoint, self._shape.expanded[name] or (), ())
            writer = RowWriter(view, shaped, self._root, self._children, self._layout)
            self._writers[name] = writer
        return [writer.text(child) for child in rows]


@dataclass(frozen=True, eq=False)
class _Join:
    """Columns that are read from the row that a reference points to."""

    view: View
    reference: str
    names: Columns
    columns: tuple[tuple[str, Encode], ...]
    """For each of them the column of that row, and its encoder."""
    find: Callable[[Any], Row | None]

    def table(self) -> Table | None:
        """The table of that row; None for users, who never change."""
        return self.view.joined_table(self.names[0])

    def known(self) -> dict[Any, Texts]:
        """Their texts by reference, as long as the other table does not change."""
        table = self.table()
        known: dict[Any, Texts] = {} if table is None else table.derived.setdefault(self, {})
        return known

    def learn(self, known: dict[Any, Texts], reference: object) -> Texts:
        """The texts of a reference that is not known yet."""
        target = self.find(reference) or {}
        texts = tuple(
            "null" if (value := target.get(column)) is None else encode(value)
            for column, encode in self.columns
        )
        if len(known) >= _MOST_JOINED:
            known.clear()
        known[reference] = texts
        return texts


@dataclass(frozen=True, eq=False)
class _Form:
    """How to write rows that have values in the same columns.

    The text of a row is put together from a list: the address of the row, the texts of its values
    in the order of `groups`, `joins` and what is computed, and the fixed texts.
    """

    groups: tuple[tuple[Callable[[Row], Iterable[Any]], Encode], ...]
    """Reader of some values of a row, and their encoder."""
    joins: tuple[tuple[str, int], ...]
    """References with a value, and the place of their join in the plan."""
    fixed: Texts
    order: Callable[[Sequence[str]], Texts]
    """Picks the texts from the list, in the order of the row."""


@dataclass(frozen=True, eq=False)
class _Plan:
    """How to write the rows of a view with some properties."""

    names: Columns
    """The properties, in the order of the entity."""
    encoders: dict[str, Encode]
    """Of columns that rows store."""
    defaults: dict[str, str]
    """What a property shows if a row has no value for it."""
    joins: tuple[_Join, ...]
    computed: tuple[tuple[Callable[[Row], Any], Encode], ...]
    others: Columns
    """Names of what is computed, of the link to a file, and of expanded properties; in order."""
    file: bool
    deferred: Columns
    layout: Layout
    type_name: str
    lasting: bool
    """Whether a row is written alike as long as it, and what it refers to, does not change."""
    forms: dict[tuple[Columns, frozenset[str]], _Form] = field(default_factory=dict)
    alone: dict[str, Kept] = field(default_factory=dict)
    """Texts of rows that refer to no others, by service root."""

    def kept(self, root: str) -> Kept:
        """The texts of rows, as long as no table that they refer to changes."""
        tables = [table for join in self.joins if (table := join.table()) is not None]
        if not tables:
            return self.alone.setdefault(root, {})
        mark = (self, root)
        found: list[Kept | None] = [table.derived.get(mark) for table in tables]
        first = found[0]
        if first is not None and all(kept is first for kept in found):
            return first
        fresh: Kept = {}
        for table in tables:
            table.derived[mark] = fresh
        return fresh

    def learn(self, mark: tuple[Columns, frozenset[str]]) -> _Form:
        """The form for rows with values in some columns, and with null in others."""
        if len(self.forms) >= _MOST_FORMS:
            self.forms.clear()
        form = self.forms[mark] = self._made(*mark)
        return form

    def _made(self, present: Columns, nulls: frozenset[str]) -> _Form:
        groups: dict[Encode, list[str]] = {}
        for name in present:
            if name in self.encoders:
                groups.setdefault(self.encoders[name], []).append(name)
        joins = [
            (join.reference, place)
            for place, join in enumerate(self.joins)
            if join.reference in present
        ]
        holes = [name for names in groups.values() for name in names]
        holes += [name for _, place in joins for name in self.joins[place].names]
        holes += self.others
        places = {name: number for number, name in enumerate(holes, start=1)}
        # Between two marks stands the place of a text in the list.
        pieces = self._pattern(places, nulls).split(_MARK)
        fixed, numbers = pieces[::2], [int(place) for place in pieces[1::2]]
        first = 1 + len(holes)
        order = [first]
        for number, place in enumerate(numbers, start=first + 1):
            order += (place, number)
        return _Form(
            groups=tuple((_reader(names), encode) for encode, names in groups.items()),
            joins=tuple(joins),
            fixed=tuple(fixed),
            order=itemgetter(*order),
        )

    def _pattern(self, places: dict[str, int], nulls: frozenset[str]) -> str:
        """A row as JSON, with marked places for the texts that differ; 0 is its address."""
        layout, address = self.layout, f"{_MARK}0{_MARK}"
        metadata = layout.object(
            layout.named("uri", f'"{address}"'), layout.named("type", f'"{self.type_name}"')
        )
        properties = [layout.named("__metadata", metadata)]
        for name in self.names:
            if name in places:
                value = f"{_MARK}{places[name]}{_MARK}"
            elif name in self.deferred:
                link = layout.object(layout.named("uri", f'"{address}/{name}"'))
                value = layout.object(layout.named("__deferred", link))
            else:
                value = "null" if name in nulls else self.defaults.get(name, "null")
            properties.append(layout.named(name, value))
        return layout.object(*properties)


def _reader(names: list[str]) -> Callable[[Row], Iterable[Any]]:
    """A function that reads some columns of a row."""
    if len(names) == 1:
        return lambda row: (row[names[0]],)
    return itemgetter(*names)


def _plan(view: View, shaped: Shape, layout: Layout) -> _Plan:
    """The plan for a shape, made once for a view."""
    navigations = (shaped.deferred, shaped.absent, tuple(shaped.expanded))
    key = (shaped.columns, navigations, layout.name)
    plan: _Plan | None = view.layouts.get(key)
    if plan is None:
        if len(view.layouts) >= _MOST_PLANS:
            view.layouts.clear()
        plan = view.layouts[key] = _made_plan(view, shaped, layout)
    return plan


def _made_plan(view: View, shaped: Shape, layout: Layout) -> _Plan:
    shown = {*shaped.columns, *shaped.deferred, *shaped.absent, *shaped.expanded}
    encoders = {
        name: text_encoder(view.entity, view.columns[name], ascii_only=layout.ascii_only)
        for name in shaped.columns
    }
    has_file = view.table == attachments.TABLE and "Url" in encoders
    computed = {name: read for name in encoders if (read := view.computed(name)) is not None}
    joined: dict[str, list[JoinedProperty]] = {}
    for name in encoders:
        item = view.joined(name)
        if item is not None:
            joined.setdefault(item.reference, []).append(item)
    stored = {
        name: encode
        for name, encode in encoders.items()
        if view.is_own(name) and not (has_file and name == "Url")
    }
    return _Plan(
        names=tuple(name for name in view.endpoint.properties if name in shown),
        encoders=stored,
        defaults={
            name: encode(default)
            for name, encode in stored.items()
            if (default := view.default(name)) is not None
        },
        joins=tuple(
            _Join(
                view,
                reference,
                tuple(item.name for item in items),
                tuple((item.column, encoders[item.name]) for item in items),
                view.finder(items[0].name),
            )
            for reference, items in joined.items()
        ),
        computed=tuple((read, encoders[name]) for name, read in computed.items()),
        others=(*computed, *(["Url"] if has_file else []), *shaped.expanded),
        file=has_file,
        deferred=shaped.deferred,
        layout=layout,
        # Expanded rows change by themselves.
        lasting=not shaped.expanded and all(map(view.is_lasting, computed)),
        type_name=model_name(view.endpoint.id),
    )


def _plain_key(view: View) -> tuple[str, str, str] | None:
    """Key column, prefix and suffix of its literal, for a key of one stored guid or number."""
    key = view.endpoint.key
    if len(key) != 1 or not view.is_compared_as_stored(key[0]):
        return None
    marks = {"Edm.Guid": ("guid'", "'"), "Edm.Int64": ("", "L"), "Edm.Int32": ("", "")}
    around = marks.get(view.columns[key[0]].type)
    return None if around is None else (key[0], *around)


def one(text: str, layout: Layout) -> Answer:
    """A single entity, written by a `RowWriter`."""
    return Answer(body=layout.document("d", text).encode())


def many(
    rows: Iterable[Texts],
    layout: Layout,
    *,
    bare: bool,
    next_uri: str | None = None,
    count: int | None = None,
) -> Answer:
    """A list of rows.

    Args:
        rows: The rows, each in parts, written by a `RowWriter`.
        layout: The format.
        bare: Whether to write the list without the `results` object.
        next_uri: URL of the next page.
        count: Number of rows on all pages, with `$inlinecount`.
    """
    listed = layout.array([_MARK])
    if bare:
        return _filled(layout.document("d", listed), rows, layout)
    properties = [layout.named("results", listed)]
    if count is not None:
        properties.insert(0, layout.named("__count", f'"{count}"'))
    if next_uri is not None:
        properties.append(layout.named("__next", layout.quote(next_uri)))
    return _filled(layout.document("d", layout.object(*properties)), rows, layout)


def _filled(pattern: str, rows: Iterable[Texts], layout: Layout) -> Answer:
    """An answer with the rows in place of the mark; long ones are joined once, to be fast."""
    before, _, after = pattern.partition(_MARK)
    parts = [before]
    comma = ""
    for texts in rows:
        parts.append(comma)
        parts += texts
        comma = layout.comma
    parts.append(after)
    return Answer(body="".join(parts).encode())


def failure(status: int, message: str, layout: Layout) -> Answer:
    """The error envelope; without a message the body is empty."""
    if not message:
        return Answer(status)
    text = layout.object(layout.named("lang", '""'), layout.named("value", layout.quote(message)))
    error = layout.object(layout.named("code", '""'), layout.named("message", text))
    return Answer(status, layout.document("error", error).encode())
