"""Messages of a refusal: those of a document, and those of the server."""

from __future__ import annotations

import pytest

from exactonline_client.http import server_faults


@pytest.mark.parametrize(
    "message",
    [
        "Timeout expired. The timeout period elapsed prior to completion of the operation.",
        "The operation has timed out.",
        "Time-out",
        "Transaction (Process ID 71) was deadlocked on lock resources. Rerun the transaction.",
        "Internal Server Error",
        "An unexpected error",
        "An error occurred while processing this request.",
        "Please try again later.",
        "Object reference not set to an instance of an object.",
        "The underlying connection was closed: A connection was forcibly closed.",
        "A network-related or instance-specific error",
        "Exception of type 'System.OutOfMemoryException' was thrown.",
        "SqlException: login failed",
        "Er is een fout opgetreden",
        "Er is een onverwachte fout opgetreden. Probeer het later opnieuw.",
        "Er is iets misgegaan",
        "Interne fout",
        "De verbinding is verbroken",
        "Une erreur s'est produite.",
        "Une erreur inattendue est survenue. Veuillez réessayer.",
        "Le délai d'attente est dépassé",
        "Délai d'attente expiré",
        "Es ist ein Fehler aufgetreten.",
        "Ein unerwarteter Fehler ist aufgetreten. Bitte versuchen Sie es später erneut.",
        "Zeitüberschreitung der Anforderung",
        "Die Verbindung wurde unterbrochen",
    ],
)
def test_a_fault_of_the_server_is_one(message: str) -> None:
    assert server_faults.is_server_fault(message)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Verplicht: Factuur voor; Verplicht: Besteld door",
        "Mandatory: Invoice to",
        "Obligatoire : Facturer à",
        "Pflichtfeld: Rechnung an",
        "Ongeldige referentie: Kabel A",
        "Invalid reference: Internal transfer",
        "Invalid journal. The journal must be a cash journal.",
        "Can't delete: Account 58 - Used in: Administrations",
        "Opening balance plus all bank entry lines should result in the closing balance",
        "Error processing request stream. The property name 'NotAField' specified for type 'A.B'",
        "Error processing request stream. The request should be a valid top-level resource object.",
        "Error encountered in converting the value. See inner exception for more detail.",
        "Unrecognized 'Edm.Guid' literal 'guid'dsadsds'' in '6'.",
        "Already exists: Connection cable",
        "Bestaat al: Verbindingskabel",
        "Foutieve waarde: Bedrag",
        "Ungültig: Fehlerhafte Menge",
    ],
)
def test_a_reason_of_business_is_none(message: str) -> None:
    assert not server_faults.is_server_fault(message)
