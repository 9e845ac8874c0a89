"""Recognise server faults among the messages of HTTP 500 responses.

Exact Online uses HTTP 500 with a message both for validation errors ("Mandatory: Invoice to") and
for server faults ("Timeout expired."), after which a write may still be carried out. Only the
message distinguishes them. It comes in the language of the user, and Exact does not publish the
texts. Known validation errors are `Mandatory: ...`, `Ongeldige referentie: ...`, `Invalid journal.
...` and `Can't delete: ... - Used in: ...`. The phrases of server faults below are those of
ASP.NET, SQL Server and Exact's own error pages.

A validation error taken for a server fault costs a search; a server fault taken for a validation
error can create a document twice. So doubtful phrases are included. They are phrases, not single
words, because a message may quote a value.
"""

from __future__ import annotations

import re
from functools import cache

PHRASES = {
    "en": (
        r"\btime-?\s?out\b",
        r"\btimed[ -]out\b",
        r"\bdeadlock",
        r"\binternal (server )?(error|fault)\b",
        r"\bunexpected (error|fault)\b",
        r"\bunknown error\b",
        r"\b(error|exception) (has |have )?occurred\b",
        r"\bsomething went wrong\b",
        r"\b(try|retry)( it)? (again|later)\b",
        r"\b(temporarily|currently|service|server) (is )?(unavailable|not available|too busy)\b",
        r"\b(server|system) is (too )?busy\b",
        r"\bconnection (\w+ ){0,2}(closed|reset|refused|lost|broken|aborted|failed|terminated)\b",
        r"\bconnection (pool|string)\b",
        r"\b(underlying|existing) connection\b",
        r"\b(network|transport)[ -](related|level)\b",
        r"\bout of memory\b",
        r"\b(transaction|thread) (\w+ ){1,3}(aborted|cancell?ed|rolled back)\b",
    ),
    "en, of .NET": (
        r"\bobject reference not set\b",
        r"\bvalue cannot be null\b",
        r"\bindex was out(side| of)\b",
        r"\bsequence contains (no|more than one)\b",
        r"\b(un)?handled exception\b",
        r"\bexception of type\b",
        r"\b[a-z]+exception\b",
        r"\bstack trace\b",
        r"\bruntime error\b",
    ),
    "en, of SQL Server": (
        r"\bsql\b",
        r"\bsql(server|client)\b",
        r"\block request\b",
        r"\btransaction log\b",
    ),
    "nl": (
        r"\b(interne|onverwachte|onbekende) (server)?fout\b",
        r"\bfout (is )?opgetreden\b",
        r"\b(iets (fout|mis) ?gegaan|ging iets (fout|mis))\b",
        r"\bprobeer (het )?(\w+ ){0,2}(opnieuw|nogmaals|later)\b",
        r"\btijdslimiet\b",
        r"\bverbinding (\w+ ){0,2}(verbroken|gesloten|verloren|mislukt|geweigerd)\b",
        r"\b(tijdelijk|momenteel) niet beschikbaar\b",
    ),
    "fr": (
        r"\berreur (interne|inattendue|inconnue)\b",
        r"\berreur (\w+ )?s\West produite\b",
        r"\berreur (\w+ )?est survenue\b",
        r"\b(veuillez )?r[ée]essaye[rz]\b",
        r"\bd[ée]lai (\w+\W){0,3}(d[ée]pass[ée]|expir[ée]|[ée]coul[ée])",
        r"\bexpiration du d[ée]lai\b",
        r"\bconnexion (\w+ ){0,2}(interrompue|perdue|ferm[ée]e|refus[ée]e|[ée]chou[ée]e?)",
        r"\b(temporairement|momentan[ée]ment) (indisponible|inaccessible)\b",
        r"\binterblocage\b",
    ),
    "de": (
        r"\b(interner|unerwarteter|unbekannter) (server)?fehler\b",
        r"\bfehler (ist )?aufgetreten\b",
        r"\betwas (ist )?schiefgegangen\b",
        r"\bversuchen sie (es )?(\w+ ){0,2}(erneut|noch ?(ein)?mal|sp[äa]ter)\b",
        r"\bzeit(ü|ue)berschreitung\b",
        r"\bzeitlimit\b",
        r"\bverbindung (\w+ ){0,2}(getrennt|unterbrochen|geschlossen|verloren|abgelehnt)\b",
        r"\b(vor(ü|ue)bergehend|zurzeit|derzeit) nicht (verf(ü|ue)gbar|erreichbar)\b",
    ),
}
"""Regular expressions by language, case-insensitive."""


def is_server_fault(message: str) -> bool:
    """Return whether a message is about a server fault."""
    return _any_phrase().search(message) is not None


@cache
def _any_phrase() -> re.Pattern[str]:
    phrases = (phrase for some in PHRASES.values() for phrase in some)
    return re.compile("|".join(phrases), re.IGNORECASE)
