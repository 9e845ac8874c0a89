"""Names, places, items and remarks for generated data."""

from __future__ import annotations

FIRST_NAMES = (
    "Anouk", "Bram", "Chloë", "Daan", "Eline", "Fenna", "Gijs", "Hanneke", "Ilse", "Jörg",
    "Kees", "Lotte", "Maurits", "Noor", "Olga", "Pieter-Jan", "Quinten", "Renée", "Sjoerd",
    "Tjitske", "Ursula", "Vincent", "Wietske", "Xander", "Yara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Bakker", "de Bruijn", "van den Heuvel", "Smits", "Çelik", "Dijkstra", "Van der Meulen",
    "Müller", "'t Hart", "Oosterhuis", "Peeters", "Janssens", "Kuipers", "in 't Veld", "Núñez",
    "Ouwehand", "Schippers", "Vermeer", "Wiersma", "Zijlstra",
)  # fmt: skip
COMPANY_CORES = (
    "Apotheek", "Bouwbedrijf", "Café", "Drukkerij", "Elektro", "Fietsen", "Garage", "Hoveniers",
    "Installatietechniek", "Kantoorartikelen", "Lunchroom", "Meubelen", "Natuurvoeding",
    "Optiek", "Patisserie", "Restaurant", "Schildersbedrijf", "Transport", "Uitgeverij",
    "Verhuur", "Wasserij", "Zeilmakerij",
)  # fmt: skip
COMPANY_FORMS = ("B.V.", "V.O.F.", "N.V.", "& Zn.", "Holding B.V.", "", "GmbH", "BVBA")
ODD_NAMES = (
    'Café "De Drie Gezusters" & Co.',
    "D'Ancona's IJssalon",
    "Söhne & Töchter <Import/Export> GmbH",
    (
        "Groothandel in Bouwmaterialen, Gereedschappen, Bevestigingsmiddelen en "
        "Aanverwante Artikelen Oost-Nederland B.V."
    ),
    "Ærø Skibsværft A/S",
    "株式会社オランダ",
)
CITIES = (
    ("Amsterdam", "1017 AB", "NL"), ("Rotterdam", "3011 GC", "NL"), ("Utrecht", "3511 LX", "NL"),
    ("'s-Hertogenbosch", "5211 KA", "NL"), ("Groningen", "9711 HN", "NL"),
    ("Den Haag", "2511 BT", "NL"), ("Leeuwarden", "8911 JZ", "NL"), ("Maastricht", "6211 EX", "NL"),
    ("Enschede", "7511 GA", "NL"), ("Goes", "4461 AT", "NL"), ("Antwerpen", "2000", "BE"),
    ("Liège", "4000", "BE"), ("Köln", "50667", "DE"), ("Lille", "59000", "FR"),
)  # fmt: skip
BELGIAN_CITIES = (
    ("Antwerpen", "2000", "BE"), ("Gent", "9000", "BE"), ("Liège", "4000", "BE"),
    ("Brussel", "1000", "BE"), ("Leuven", "3000", "BE"), ("Kortrijk", "8500", "BE"),
)  # fmt: skip
FOREIGN_CITIES = (
    ("Köln", "50667", "DE"), ("New York", "NY 10001", "US"), ("Lille", "59000", "FR"),
    ("London", "EC1A 1BB", "GB"), ("München", "80331", "DE"), ("Chicago", "IL 60601", "US"),
    ("Lyon", "69001", "FR"), ("Leeds", "LS1 4DY", "GB"),
)  # fmt: skip
STREETS = (
    "Kerkstraat", "Dorpsstraat", "Stationsweg", "Prinses Irenelaan", "Oude Gracht", "Havenkade",
    "Industrieweg", "Schoolpad", "Burgemeester Röellplein", "Lange Nieuwstraat",
)  # fmt: skip
GOODS = (
    ("Koffiebonen espresso 1 kg", "14.95", "4"), ("Theeglas 22 cl, doos 12", "18.40", "2"),
    ("Werkhandschoen maat 9", "3.75", "2"), ("Printpapier A4 80 g, pak 500", "4.89", "2"),
    ("LED-paneel 60x60 cm", "39.00", "2"), ("Appelsap troebel 75 cl", "2.35", "4"),
    ("Bureaustoel «Komfort»", "229.50", "2"), ("Vakboek Btw in de praktijk", "54.95", "4"),
    ("Kabelgoot 2 m wit", "7.12", "2"), ("Schroef RVS 4x40, doos 200", "11.99", "2"),
    ("Olijfolie extra vergine 5 l", "41.25", "4"), ("Monitorarm dubbel", "87.60", "2"),
    ("Tulpenbollen mix, 50 stuks", "12.50", "4"), ("Accuboormachine 18 V", "149.00", "2"),
    ("Kaas belegen 48+, per kg", "13.333", "4"), ("Regenjas «Noordzee» XL", "64.90", "2"),
)  # fmt: skip
SERVICES = (
    ("Advies per uur", "95.00", "2"), ("Montage per uur", "68.50", "2"),
    ("Transport binnen Nederland", "27.50", "2"), ("Onderhoudscontract per maand", "125.00", "2"),
    ("Training ter plaatse, dagdeel", "410.00", "5"),
)  # fmt: skip
REMARKS = (
    "Graag betalen onder vermelding van het factuurnummer.",
    (
        "Geleverd op twee pallets; één doos was beschadigd en is vervangen.\r\n"
        'Afgesproken met de heer Smits: "binnen 14 dagen retour".'
    ),
    "Levering & montage volgens offerte d.d. 3 maart. " * 12,
)
