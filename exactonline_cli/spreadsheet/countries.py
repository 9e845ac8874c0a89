"""Names of countries in four languages, and their codes of two letters (ISO 3166-1)."""

from __future__ import annotations

import re

from exactonline_cli.spreadsheet.headers import plain_header

NAMES = {
    "AT": "Oostenrijk, Austria, Autriche, Österreich",
    "BE": "België, Belgie, Belgium, Belgique, Belgien",
    "BG": "Bulgarije, Bulgaria, Bulgarie, Bulgarien",
    "CA": "Canada, Kanada",
    "CH": "Zwitserland, Switzerland, Suisse, Schweiz",
    "CN": "China, Chine",
    "CY": "Cyprus, Chypre, Zypern",
    "CZ": "Tsjechië, Czechia, Czech Republic, Tchéquie, République tchèque, Tschechien",
    "DE": "Duitsland, Germany, Allemagne, Deutschland",
    "DK": "Denemarken, Denmark, Danemark, Dänemark",
    "EE": "Estland, Estonia, Estonie",
    "ES": "Spanje, Spain, Espagne, Spanien, España",
    "FI": "Finland, Finlande, Finnland",
    "FR": "Frankrijk, France, Frankreich",
    "GB": "Verenigd Koninkrijk, Groot-Brittannië, Engeland, United Kingdom, Great Britain, "
    "England, UK, Royaume-Uni, Grande-Bretagne, Vereinigtes Königreich, Großbritannien",
    "GR": "Griekenland, Greece, Grèce, Griechenland",
    "HR": "Kroatië, Croatia, Croatie, Kroatien",
    "HU": "Hongarije, Hungary, Hongrie, Ungarn",
    "IE": "Ierland, Ireland, Irlande, Irland",
    "IT": "Italië, Italy, Italie, Italien, Italia",
    "JP": "Japan, Japon",
    "LT": "Litouwen, Lithuania, Lituanie, Litauen",
    "LU": "Luxemburg, Luxembourg",
    "LV": "Letland, Latvia, Lettonie, Lettland",
    "MT": "Malta, Malte",
    "NL": "Nederland, Netherlands, The Netherlands, Holland, Pays-Bas, Niederlande",
    "NO": "Noorwegen, Norway, Norvège, Norwegen",
    "PL": "Polen, Poland, Pologne",
    "PT": "Portugal",
    "RO": "Roemenië, Romania, Roumanie, Rumänien",
    "SE": "Zweden, Sweden, Suède, Schweden",
    "SI": "Slovenië, Slovenia, Slovénie, Slowenien",
    "SK": "Slowakije, Slovakia, Slovaquie, Slowakei",
    "TR": "Turkije, Turkey, Türkiye, Turquie, Türkei",
    "US": "Verenigde Staten, United States, United States of America, USA, États-Unis, "
    "Vereinigte Staaten, Amerika",
}
_CODE = re.compile("[A-Za-z]{2}")
_CODES = {plain_header(name): code for code, names in NAMES.items() for name in names.split(", ")}


def country_code(text: str) -> str | None:
    """The code of a country by its name; a code of two letters stays what it is.

    None where the name is not known.
    """
    known = _CODES.get(plain_header(text))
    return known or (text.upper() if _CODE.fullmatch(text) else None)
