"""Create the loaders of a run from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from exactonline_client.lookups import CODE, Lookups
from exactonline_client.odata.literals import EMPTY_GUID
from target_exactonline.grouping.header_lines import prepared
from target_exactonline.load import finalize
from target_exactonline.load.change import Changer
from target_exactonline.load.decide import Policy
from target_exactonline.load.execute import Executor
from target_exactonline.load.finalize import Finalizer
from target_exactonline.load.first_load import FirstLoad
from target_exactonline.load.in_doubt import PutOff
from target_exactonline.load.journal import Journal
from target_exactonline.load.load import Loader
from target_exactonline.load.planned import NEW, Planned
from target_exactonline.load.resemblance import Resemblance
from target_exactonline.load.search import Search
from target_exactonline.load.totals import Totals
from target_exactonline.load.writer import Writer
from target_exactonline.mapping import folder
from target_exactonline.mapping.prepare import PrepareOptions, preparer
from target_exactonline.match_sets.loader import MatchSetLoader
from target_exactonline.resolve import references
from target_exactonline.resolve.codes import Codes
from target_exactonline.resolve.create_missing import MissingRows, known_by
from target_exactonline.schema.locale import Locale
from target_exactonline.schema.references import LISTS
from target_exactonline.unified.documents import restored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.connection import Connection
    from target_exactonline.mapping.model import Document
    from target_exactonline.match_sets.model import MatchSet
    from target_exactonline.results.outcome import Outcome
    from target_exactonline.results.results import Results
    from target_exactonline.schema.entities import Entity


@dataclass(kw_only=True)
class LoaderFactory:
    """Creates the loaders of a run, which share connection, journal, lookups and results."""

    connection: Connection
    division: int
    results: Results
    config: Mapping[str, Any]
    check_stop: Callable[[], None]
    known_by: Callable[[str, Entity], str | None]
    """Returns the reference field of a stream for an entity; None if not known from settings."""

    @cached_property
    def journal(self) -> Journal:
        """The journal of the division, shared by the loaders to know what this run has written."""
        connection = self.connection
        return Journal(connection.store, connection.app.key, self.division, connection.clock)

    @property
    def writer(self) -> Writer:
        """A writer to the division."""
        return Writer(self.connection, self.division, self.journal, self.config["settle_after"])

    @cached_property
    def lookups(self) -> Lookups:
        """Lookups of related rows; a dry run does not cache them in the store."""
        connection = self.connection
        hours = 0 if self.config["dry_run"] else self.config["lookup_hours"]
        return Lookups(
            connection.session,
            connection.store,
            connection.app.key,
            self.division,
            hours,
            connection.clock,
        )

    @cached_property
    def planned(self) -> Planned:
        """The documents that a dry run would have written."""
        return Planned()

    @cached_property
    def codes(self) -> Codes:
        """The check of codes against the short lists of the division."""
        return Codes(self.lookups, self.connection.refused_in(self.division), self.planned)

    def loader(self, entity: Entity, reference_setting: str) -> Loader:
        """Create the loader of an entity.

        Args:
            entity: of the documents.
            reference_setting: setting `reference_field` of its streams.

        Raises:
            ConfigurationError: the entity cannot be searched by that field.
        """
        config = self.config
        prepare = restored(prepared(self._prepare(entity, reference_setting)))
        reference_field = entity.reference_field(reference_setting)
        search = Search(self.connection, self.division, entity.endpoint, reference_field)
        policy = Policy(
            upsert=config["load_method"] == "upsert",
            hard_delete=bool(config.get("hard_delete")),
            dry_run=bool(config.get("dry_run")),
            can_change="PUT" in entity.endpoint.methods,
        )
        resemblance = Resemblance(search, self.journal)
        put_off: PutOff[Document] = self._put_off()
        finalizes = self._finalizes(entity.endpoint)
        totals = Totals(search, self.journal, finalizes)
        executor = Executor(
            endpoint=entity.endpoint,
            search=search,
            writer=self.writer,
            changer=Changer(
                endpoint=entity.endpoint,
                search=search,
                journal=self.journal,
                writer=self.writer,
                policy=policy,
            ),
            totals=totals,
            policy=policy,
            resemblance=resemblance,
            first_load=FirstLoad(
                search, resemblance, bool(config.get("new_store")), policy.dry_run
            ),
            put_off=put_off,
        )
        finalizer = Finalizer(
            search=search,
            journal=self.journal,
            totals=totals,
            put_off=put_off,
            mode=config["finalize"],
            sender=config.get("finalize_sender"),
        )
        return Loader(
            endpoint=entity.endpoint,
            policy=policy,
            journal=self.journal,
            search=search,
            resemblance=resemblance,
            executor=executor,
            totals=totals,
            finalizer=finalizer if finalizes else None,
            put_off=put_off,
            planned=self.planned,
            results=self.results,
            prepare=prepare,
            resolve=self._resolve,
            on_written=self._remember,
            on_rejected=self._forget_keys,
            most_failures=self._most_failures,
            check_stop=self.check_stop,
            shares_references=lambda stream: (
                self.known_by(stream, entity) in (None, reference_field)
            ),
        )

    def _prepare(
        self, entity: Entity, reference_setting: str
    ) -> Callable[[Mapping[str, Any]], Document]:
        config, connection = self.config, self.connection
        options = PrepareOptions(
            reference_setting,
            config["nulls"],
            frozenset(config["create_missing"]),
            folder.named(config.get(folder.SETTING), connection.store.folder),
            Locale(config["decimal"], config["dates"]),
        )
        return preparer(entity, options, connection.zone, self.division)

    def match_sets(self) -> MatchSetLoader:
        """Create the loader of match sets."""
        return MatchSetLoader(
            connection=self.connection,
            division=self.division,
            results=self.results,
            journal=self.journal,
            path=self.config.get("match_sets_path"),
            put_off=self._put_off(),
            dry_run=bool(self.config.get("dry_run")),
            most_failures=self._most_failures,
            check_stop=self.check_stop,
            check_codes=self._check_codes,
        )

    def _check_codes(self, sets: Sequence[MatchSet]) -> None:
        self.codes.check_all((item.problems, *code) for item in sets for code in item.codes())

    def _put_off(self) -> PutOff[Any]:
        return PutOff(
            clock=self.connection.clock,
            settle_after=self.config["settle_after"],
            sleep=self.connection.sleep,
            check_stop=self.check_stop,
        )

    @property
    def _most_failures(self) -> int | None:
        """Number of records rejected or in doubt at which to stop; None for no limit."""
        most: int | None = self.config.get("max_errors")
        return 1 if self.config["on_error"] == "fail" else most

    def _finalizes(self, endpoint: Endpoint) -> bool:
        """Only sales invoices can be finalised."""
        return self.config["finalize"] != finalize.NONE and endpoint.id == finalize.INVOICES

    def _resolve(self, documents: Sequence[Document]) -> None:
        create = self._would_create if self.config["dry_run"] else MissingRows(self.writer).create
        references.resolve(self.lookups, documents, create, self.planned, self.codes.check)

    def _remember(self, endpoint: Endpoint, document: Document, outcome: Outcome) -> None:
        """Know a document that was created or changed, for those that refer to it."""
        if self.config["dry_run"]:
            self.planned.add(endpoint, document, outcome.exact_id)
        elif endpoint.id in LISTS and outcome.exact_id and document.fields.get(CODE):
            # Their list may have been read before.
            self.lookups.remember(endpoint.id, CODE, document.fields[CODE], outcome.exact_id)

    def _forget_keys(self, document: Document) -> None:
        self.lookups.forget(_keys(document.fields))

    def _would_create(self, entity: str, fields: Mapping[str, Any]) -> str:
        """Return a placeholder for the key of a row that a dry run does not create."""
        reference, digest = known_by(fields)
        self.planned.note(entity, reference, digest)
        return NEW.format(name=entity.rpartition("/")[2], title=reference)


def _keys(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the values of a document that look like keys of rows."""
    for value in fields.values():
        if isinstance(value, str) and len(value) == len(EMPTY_GUID):
            yield value
        elif isinstance(value, list):
            for row in value:
                yield from _keys(row)
