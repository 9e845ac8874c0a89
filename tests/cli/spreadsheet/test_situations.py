"""Tables as people have them: each ends in its documents, or in a sentence that says what to do."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_cli.spreadsheet.table import text_of
from exactonline_client.errors import ConfigurationError
from tests.cli.spreadsheet.builders import (
    HEADERS,
    brief,
    csv_bytes,
    draft,
    save_csv,
    save_xlsx,
    told,
)

if TYPE_CHECKING:
    from pathlib import Path

    from exactonline_cli.spreadsheet.model import Draft

ROW = ("F-1", "10000", "28-11-2026", "A-0001", "2", "12,50")
LINE = {"Item": "A-0001", "Quantity": "2", "NetPrice": "12.50"}
DAY = datetime(2026, 11, 28)  # noqa: DTZ001 - a cell has no zone


def drafted(folder: Path, rows: list[Any], **choices: Any) -> Draft:
    return draft(save_csv(folder / "table.csv", rows), **choices)


class TestFiles:
    @pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_delimiter_and_encoding_are_found(
        self, tmp_path: Path, delimiter: str, encoding: str
    ) -> None:
        rows = [(*HEADERS, "Omschrijving"), (*ROW, "Café, 5 %; «à»")]
        path = tmp_path / "table.csv"
        path.write_bytes(csv_bytes(rows, delimiter=delimiter, encoding=encoding))
        made = draft(path)
        assert (made.table.delimiter, made.table.encoding) == (delimiter, encoding)
        assert made.documents[0].lines[0].fields["Description"] == "Café, 5 %; «à»"
        assert made.documents[0].fields["InvoiceDate"] == "2026-11-28"

    def test_a_line_that_names_the_delimiter_is_no_row(self, tmp_path: Path) -> None:
        path = tmp_path / "table.csv"
        path.write_bytes(csv_bytes([HEADERS, ROW], delimiter="|", before="sep=|\r\n"))
        assert brief(draft(path).documents[0]) == ("F-1", [2], [LINE])

    def test_a_text_over_several_lines_is_one_row(self, tmp_path: Path) -> None:
        rows = [(*HEADERS, "Omschrijving regel"), (*ROW, "een\ntwee"), ("F-2", *ROW[1:], "")]
        made = drafted(tmp_path, rows)
        assert [document.rows for document in made.documents] == [[2], [3]]
        assert made.documents[0].lines[0].fields["Description"] == "een\ntwee"

    def test_an_encoding_can_be_named(self, tmp_path: Path) -> None:
        path = tmp_path / "table.csv"
        path.write_bytes(csv_bytes([(*HEADERS, "Omschrijving regel"), (*ROW, "Łódź")],
                                   encoding="cp1250"))  # fmt: skip
        made = draft(path, encoding="cp1250")
        assert made.documents[0].lines[0].fields["Description"] == "Łódź"

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("a.csv", b"", "a.csv is empty"),
            ("a.csv", b"\x81\x8d\n", "Save it as CSV UTF-8, or name its encoding with --encoding"),
            ("a.xls", b"\xd0\xcf\x11\xe0old", "is an old workbook"),
            ("a.xlsx", b"no archive", "is not an .xlsx workbook"),
            ("a.xlsx", b"PK\x03\x04no archive", "is not an .xlsx workbook"),
            ("a.ods", b"PK\x03\x04", "save it as .xlsx or CSV UTF-8"),
            ("a.csv", b"dear customer\nhow are you\n", "No row of headers was found"),
            ("a.csv", b"\n\n\n", "The file is empty"),
        ],
    )
    def test_what_is_no_table_says_what_to_do(
        self, tmp_path: Path, name: str, content: bytes, said: str
    ) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match=said):
            draft(path)

    def test_an_encoding_that_nobody_knows(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="there is no encoding klingon"):
            drafted(tmp_path, [HEADERS, ROW], encoding="klingon")


class TestWorkbooks:
    def test_the_sheet_with_known_headers_is_taken(self, tmp_path: Path) -> None:
        sheets: dict[str, Any] = {"Info": [["Hallo", "daar"]], "Facturen": [HEADERS, ROW]}
        made = draft(save_xlsx(tmp_path / "a.xlsx", sheets))
        assert (made.table.sheet, len(made.documents)) == ("Facturen", 1)

    def test_several_such_sheets_are_asked_about(self, tmp_path: Path) -> None:
        path = save_xlsx(tmp_path / "a.xlsx", {"Okt": [HEADERS, ROW], "Nov": [HEADERS, ROW]})
        with pytest.raises(ConfigurationError, match=r"Okt, Nov\. Name one with --sheet"):
            draft(path)
        assert draft(path, sheet="Nov").table.sheet == "Nov"
        with pytest.raises(ConfigurationError, match=r"has no sheet 'Dec'\. It has: Okt, Nov"):
            draft(path, sheet="Dec")

    def test_numbers_keep_the_digits_that_were_typed(self, tmp_path: Path) -> None:
        row = ["F-1", 10000, (DAY, "dd-mm-yyyy"), "A-0001", 0.1 + 0.2, 1234.565]
        rows = [HEADERS, row]
        made = draft(save_xlsx(tmp_path / "a.xlsx", {"A": rows}))
        assert made.documents[0].fields["OrderedBy"] == "10000"
        assert made.documents[0].fields["InvoiceDate"] == "2026-11-28"
        line = {"Item": "A-0001", "Quantity": "0.3", "NetPrice": "1234.565"}
        assert brief(made.documents[0]) == ("F-1", [2], [line])

    def test_a_code_that_is_shown_with_zeros_keeps_them(self, tmp_path: Path) -> None:
        row = ["F-1", (42, "00000"), "2026-11-28", "A-0001", 1, 2]
        made = draft(save_xlsx(tmp_path / "a.xlsx", {"A": [HEADERS, row]}))
        assert made.documents[0].fields["OrderedBy"] == "00042"

    def test_a_formula_with_a_result_is_its_result(self, tmp_path: Path) -> None:
        row = ["F-1", "10000", "2026-11-28", "A-0001", 1, ["=10*1.25", 12.5]]
        made = draft(save_xlsx(tmp_path / "a.xlsx", {"A": [HEADERS, row]}))
        assert made.documents[0].lines[0].fields["NetPrice"] == Decimal("12.5")

    @pytest.mark.parametrize(
        ("cell", "said"),
        [
            ("=10*1.25", "Prijs '=10*1.25' is a formula whose result is not in the file"),
            (["=1/0", "#DIV/0!"], "Prijs '#DIV/0!' is what a formula shows that fails"),
        ],
    )
    def test_a_formula_without_one_is_refused(self, tmp_path: Path, cell: Any, said: str) -> None:
        row = ["F-1", "10000", "2026-11-28", "A-0001", 1, cell]
        made = draft(save_xlsx(tmp_path / "a.xlsx", {"A": [HEADERS, row]}))
        assert told(made)[0].startswith(f"row 2 (reference F-1): {said}")

    def test_cells_merged_down_hold_for_all_their_rows(self, tmp_path: Path) -> None:
        row = ["F-1", "10000", "2026-11-28", "A-0001", 2, 12.5]
        rows = [HEADERS, row, ["", "", "", "A-0002", 1, 5]]
        path = save_xlsx(tmp_path / "a.xlsx", {"A": rows}, merged=["A2:A3", "B2:B3", "C2:C3"])
        made = draft(path)
        assert [each.rows for each in made.documents] == [[2, 3]]
        assert made.notes == []

    def test_a_title_across_the_sheet_is_no_value(self, tmp_path: Path) -> None:
        rows = [["Facturen november", *[""] * 5], [], HEADERS, ROW]
        made = draft(save_xlsx(tmp_path / "a.xlsx", {"A": rows}, merged=["A1:F1"]))
        assert (made.headers.row, brief(made.documents[0])) == (3, ("F-1", [4], [LINE]))

    def test_hidden_rows_are_read_and_told(self, tmp_path: Path) -> None:
        rows = [HEADERS, ROW, ("F-2", *ROW[1:])]
        made = draft(save_xlsx(tmp_path / "a.xlsx", {"A": rows}, hidden=[3]))
        assert len(made.documents) == 2
        assert made.notes == ["Rows 3 are hidden in the sheet; they are read too."]

    def test_per_cent_in_the_format_is_per_cent(self, tmp_path: Path) -> None:
        rows = [
            (*HEADERS, "Korting", "Btw"),
            ["F-1", "10000", "2026-11-28", "A-0001", 1, 2, (0.1, "0%"), (0.21, "0%")],
        ]
        made = draft(save_xlsx(tmp_path / "a.xlsx", {"A": rows}))
        line = made.documents[0].lines[0]
        assert (line.fields["Discount"], line.meant["vat"]) == (Decimal("0.1"), "21 %")
        assert made.questions == []

    def test_a_length_of_time_becomes_hours(self, tmp_path: Path) -> None:
        rows = [
            ("Factuurnummer", "Klantcode", "Artikelcode", "Duur", "Tarief"),
            ["F-1", "10000", "A-0001", "1:20:00", 95],
        ]
        made = draft(save_xlsx(tmp_path / "a.xlsx", {"A": rows}))
        assert made.documents[0].lines[0].fields["Quantity"] == Decimal("1.3333")

    def test_the_sentence_where_the_library_is_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = save_xlsx(tmp_path / "a.xlsx", {"A": [HEADERS, ROW]})
        monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
        with pytest.raises(ConfigurationError, match=r"install singer-exactonline\[excel\]"):
            draft(path)


class TestHeaders:
    @pytest.mark.parametrize(
        "names",
        [
            ("Factuurnr.", "Debiteurnummer", "Datum", "Artikel", "Aantal", "Stukprijs excl. btw"),
            ("Invoice no", "Customer code", "Date", "SKU", "Qty", "Price"),
            ("N° de facture", "Code client", "Date", "Code article", "Qté", "PU HT"),
            ("Facture n°", "Client nº", "Date facture", "Code article", "Qté", "PU HT"),
            ("Rechnungsnr.", "Kundennummer", "Datum", "Artikelnummer", "Menge", "Einzelpreis"),
            ("FACTUURNUMMER", " klant-code ", "factuur datum", "artikel_code", "AANTAL", "PRIJS"),
            ("\u200bFactuur\u00adnummer", "Klant\u00a0code", "Factuur-\ndatum", "Art.nr.", "Aant.",
             "Prijs"),
            ("InvoiceNumber", "OrderedBy", "InvoiceDate", "ItemCode", "Quantity", "NetPrice"),
            ("*Invoice number", "*Customer", "*Invoice date", "Item code", "*Quantity", "Rate"),
        ],
    )  # fmt: skip
    def test_headers_are_known_in_four_languages(
        self, tmp_path: Path, names: tuple[str, ...]
    ) -> None:
        made = drafted(tmp_path, [names, ROW])
        assert (made.questions, made.mapping.left_out) == ([], [])
        assert brief(made.documents[0]) == ("F-1", [2], [LINE])
        assert made.documents[0].fields["InvoiceDate"] == "2026-11-28"

    def test_headers_below_a_title_and_notes(self, tmp_path: Path) -> None:
        rows = [("Overzicht",), (), ("Versie", "3"), HEADERS, ROW]
        made = drafted(tmp_path, rows)
        assert (made.headers.row, made.documents[0].rows) == (4, [5])

    def test_headers_in_two_lines_are_read_together(self, tmp_path: Path) -> None:
        rows = [
            ("Factuur", "", "Klant", "Artikel", "", ""),
            ("nummer", "datum", "code", "code", "Aantal", "Prijs"),
            ("F-1", "28-11-2026", "10000", "A-0001", "2", "12,50"),
        ]
        made = drafted(tmp_path, rows)
        assert brief(made.documents[0]) == ("F-1", [3], [LINE])
        assert made.documents[0].fields["OrderedBy"] == "10000"

    def test_columns_that_are_no_field_are_left_out_once(self, tmp_path: Path) -> None:
        rows = [(*HEADERS, "Intern id", "Status", "Kleur"), *[(*ROW, "1", "ok", "rood")] * 2]
        assert drafted(tmp_path, rows).mapping.left_out == ["Intern id", "Status", "Kleur"]

    def test_a_user_says_what_a_column_is(self, tmp_path: Path) -> None:
        rows = [
            ("Bon", "Wie", "Wat", "Hoeveel", "Aantal", "Prijs"),
            ("7", "10000", "A-1", "3", "9", "1,5"),
        ]
        given = {"Bon": "YourRef", "wie": "OrderedBy", "Wat": "Artikelcode", "Hoeveel": "Quantity",
                 "Aantal": "ignore"}  # fmt: skip
        made = drafted(tmp_path, rows, columns=given)
        line = {"Item": "A-1", "Quantity": "3", "NetPrice": "1.5"}
        assert brief(made.documents[0]) == ("7", [2], [line])

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"Bestaat niet": "Item"}, "the file has no column 'Bestaat niet'"),
            (
                {"Prijs": "NetPrise"},
                "'NetPrise' is not a field of sales_invoices. Did you mean NetPrice",
            ),
        ],
    )
    def test_what_a_user_says_is_checked(
        self, tmp_path: Path, given: dict[str, str], said: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=said):
            drafted(tmp_path, [HEADERS, ROW], columns=given)

    def test_two_columns_of_one_field_force_a_choice(self, tmp_path: Path) -> None:
        made = drafted(tmp_path, [(*HEADERS, "Stuks"), (*ROW, "3")])
        (question,) = made.questions
        assert question.text == (
            "columns 'Aantal' and 'Stuks' both mean Quantity: leave one out with --column "
            "'Stuks'=ignore"
        )
        assert not drafted(tmp_path, [(*HEADERS, "Stuks"), (*ROW, "3")],
                           columns={"Stuks": "ignore"}).questions  # fmt: skip

    def test_a_name_beside_the_code_is_for_the_reader_only(self, tmp_path: Path) -> None:
        made = drafted(tmp_path, [(*HEADERS, "Klantnaam"), (*ROW, "Apotheek")])
        fields = made.documents[0].fields
        assert {name for name in fields if name.startswith("OrderedBy")} == {"OrderedBy"}

    @pytest.mark.parametrize("header", ["Klant", "Customer", "Client", "Debiteur"])
    def test_a_customer_may_be_a_code_or_a_name(self, tmp_path: Path, header: str) -> None:
        names = ("Factuurnummer", header, *HEADERS[2:])
        fields = drafted(tmp_path, [names, ROW]).documents[0].fields
        assert (fields["OrderedByCode"], fields["OrderedByName"]) == ("10000", "10000")

    def test_the_description_in_front_is_that_of_the_invoice(self, tmp_path: Path) -> None:
        names = ("Factuurnummer", "Klantcode", "Omschrijving", "Artikelcode", "Aantal", "Prijs")
        rows = [names, ("F-1", "1", "Klus", "A", "1", "2,5"), ("F-1", "1", "Klus", "B", "1", "2,5")]
        made = drafted(tmp_path, rows)
        assert made.documents[0].fields["Description"] == "Klus"
        rows[2] = ("F-1", "1", "Anders", "B", "1", "2,5")
        lines = drafted(tmp_path, rows).documents[0].lines
        assert [line.fields["Description"] for line in lines] == ["Klus", "Anders"]

    def test_what_no_column_holds_is_asked_for(self, tmp_path: Path) -> None:
        rows = [("Factuurnummer", "Aantal", "Prijs", "Kleur"), ("F-1", "1", "2,5", "rood")]
        asked = [question.text for question in drafted(tmp_path, rows).questions]
        assert [text.partition(" (")[0] for text in asked] == [
            "no column has OrderedBy",
            "no column has Item",
        ]
        assert "--set OrderedBy=VALUE" in asked[0]
        assert "columns without a field: Kleur" in asked[0]
        constants = {"OrderedBy": "10000", "Item": "A-0001"}
        made = drafted(tmp_path, rows, constants=constants)
        assert (made.questions, made.documents[0].fields["OrderedBy"]) == ([], "10000")
        assert made.documents[0].lines[0].fields["Item"] == "A-0001"

    def test_a_constant_takes_the_place_of_a_column(self, tmp_path: Path) -> None:
        made = drafted(tmp_path, [HEADERS, ROW], constants={"Klantcode": "10001"})
        assert made.documents[0].fields["OrderedBy"] == "10001"
        assert made.mapping.left_out == ["Klantcode"]

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [("Quantity", "1,5", "is not a number"), ("OrderDate", "28-11-2026", "write the year")],
    )
    def test_a_constant_is_written_in_one_way(
        self, tmp_path: Path, name: str, value: str, said: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=f"--set: {name} '{value}' .*{said}"):
            drafted(tmp_path, [HEADERS, ROW], constants={name: value})
        made = drafted(tmp_path, [HEADERS, ROW], constants={"Quantity": "1.5"})
        assert made.documents[0].lines[0].fields["Quantity"] == Decimal("1.5")

    def test_a_constant_that_is_no_field(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"--set: 'Jurnal' is not a field .* Journal"):
            drafted(tmp_path, [HEADERS, ROW], constants={"Jurnal": "70"})


class TestRows:
    def test_rows_of_one_number_need_not_stand_together(self, tmp_path: Path) -> None:
        made = drafted(tmp_path, [HEADERS, ROW, ("F-2", *ROW[1:]), ROW])
        assert [(each.reference, each.rows) for each in made.documents] == [
            ("F-1", [2, 4]),
            ("F-2", [3]),
        ]

    def test_rows_below_may_leave_out_what_the_first_says(self, tmp_path: Path) -> None:
        rows = [HEADERS, ROW, ("F-1", "", "", *ROW[3:]), ("", "", "", *ROW[3:])]
        made = drafted(tmp_path, rows)
        assert [each.rows for each in made.documents] == [[2, 3, 4]]
        assert made.notes == [
            "Rows 4 have no customer and no number: they are further lines of the document above."
        ]

    @pytest.mark.parametrize(
        ("row", "why"),
        [
            ((), "it is empty"),
            (("", " ", "\u00a0"), "it is empty"),
            (("Totaal", "", "", "", "12", "150,00"), "it is a row of totals"),
            (("", "", "", "Totaal:", "12", "150,00"), "it is a row of totals"),
            (("", "", "", "", "Subtotaal", "150,00"), "it is a row of totals"),
            (("", "", "", "", "9:30", "€ 1.150,00"), "it is a row of totals"),
            (("Prijzen zijn exclusief btw",), "it has text in one column only"),
            (HEADERS, "it repeats the headers"),
        ],
    )
    def test_rows_that_are_no_data_are_left_out_with_a_word(
        self, tmp_path: Path, row: tuple[str, ...], why: str
    ) -> None:
        made = drafted(tmp_path, [HEADERS, ROW, row, ("F-2", *ROW[1:])])
        (skipped,) = made.skipped
        assert (skipped.row, skipped.why.partition(":")[0]) == (3, why)
        assert [each.rows for each in made.documents] == [[2], [4]]

    def test_a_customer_called_total_is_a_customer(self, tmp_path: Path) -> None:
        names = ("Factuurnummer", "Klantnaam", "Artikelcode", "Aantal", "Prijs")
        made = drafted(tmp_path, [names, ("F-1", "Totaal Bouw B.V.", "A-1", "1", "2,5")])
        assert (made.skipped, len(made.documents)) == ([], 1)

    def test_an_invoice_is_refused_whole(self, tmp_path: Path) -> None:
        rows = [HEADERS, ROW, ("F-1", "10000", "28-11-2026", "A-0002", "twee", "1,5")]
        assert told(drafted(tmp_path, rows)) == [
            "row 3 (reference F-1): Aantal 'twee' is not a number; write digits, such as 12.50",
            "row 2 (reference F-1): row 3 of the same document is wrong",
        ]

    @pytest.mark.parametrize(
        ("column", "value", "said"),
        [
            (0, "", "row 3: Factuurnummer is empty: a document needs a number"),
            (1, "", "row 3 (reference F-2): Klantcode is empty: an invoice needs a customer"),
            (2, "31-02-2026", "Factuurdatum '31-02-2026' does not exist; correct the day"),
            (2, "volgende week", "Factuurdatum 'volgende week' is not a date; write it as"),
            (3, "", "row 3 (reference F-2): Artikelcode is empty: a line needs an item"),
            (4, "50 %", "Aantal '50 %' has a per cent sign, and is not a percentage"),
            (4, "1O", "Aantal '1O' is not a number: it contains the letter O"),
            (5, "€ 12,5x" * 10, "Prijs '€ 12,5x€ 12,5x€ 12,5x€ 12,5x€ 12,5x€ ...' is not a number"),
        ],
    )
    def test_a_mistake_has_its_row_value_and_cure(
        self, tmp_path: Path, column: int, value: str, said: str
    ) -> None:
        wrong = ["F-2", *ROW[1:]]
        wrong[column] = value
        found = told(drafted(tmp_path, [HEADERS, ROW, wrong]))
        assert len(found) == 1
        assert said in found[0]
        assert found[0].startswith("row 3")

    def test_rows_that_contradict_each_other_are_refused(self, tmp_path: Path) -> None:
        rows = [HEADERS, ROW, ("F-1", "10001", *ROW[2:])]
        assert told(drafted(tmp_path, rows))[0] == (
            "row 3 (reference F-1): Klantcode '10001' differs from '10000' in row 2, and a "
            "document has one: make them the same, or give it a number of its own"
        )

    def test_a_number_only_groups_where_there_is_a_reference(self, tmp_path: Path) -> None:
        names = ("YourRef", *HEADERS)
        made = drafted(tmp_path, [names, ("PO-1", *ROW), ("PO-1", *ROW), ("PO-2", "F-2", *ROW[1:])])
        assert [(each.reference, each.rows) for each in made.documents] == [
            ("PO-1", [2, 3]),
            ("PO-2", [4]),
        ]

    def test_one_reference_of_two_invoices_is_refused(self, tmp_path: Path) -> None:
        names = ("YourRef", *HEADERS)
        made = drafted(tmp_path, [names, ("PO-1", *ROW), ("PO-1", "F-2", *ROW[1:])])
        assert told(made)[0].startswith(
            "row 2 (reference PO-1): YourRef 'PO-1' is also the reference of the document in row 3"
        )

    def test_without_a_number_references_are_made_and_stay_the_same(self, tmp_path: Path) -> None:
        rows = [
            HEADERS[1:],
            ROW[1:],
            ROW[1:],
            ("10001", *ROW[2:]),
            ("10000", "27-11-2026", *ROW[3:]),
        ]
        made = drafted(tmp_path, rows)
        references = [(each.reference, each.rows, each.is_made) for each in made.documents]
        assert references == [
            ("10000-20261128-1", [2, 3], True),
            ("10001-20261128-1", [4], True),
            ("10000-20261127-1", [5], True),
        ]
        # A row for another customer in front changes none of them.
        rows.insert(1, ("10002", *ROW[2:]))
        assert [each.reference for each in drafted(tmp_path, rows).documents][1:] == [
            reference for reference, _, _ in references
        ]

    def test_items_side_by_side_are_lines(self, tmp_path: Path) -> None:
        names = ("Factuurnummer", "Klantcode", "Artikel 1", "Aantal 1", "Prijs 1", "Artikel 2",
                 "Aantal 2", "Prijs 2")  # fmt: skip
        rows = [names, ("F-1", "10000", "A-1", "1", "1,5", "B-1", "2", "2,5"),
                ("F-2", "10000", "A-1", "3", "3,5", "", "", "")]  # fmt: skip
        made = drafted(tmp_path, rows)
        assert [len(each.lines) for each in made.documents] == [2, 1]
        assert made.documents[0].lines[1].fields == {
            "Item": "B-1",
            "Quantity": Decimal(2),
            "NetPrice": Decimal("2.5"),
        }

    def test_two_descriptions_of_an_item_are_no_two_lines(self, tmp_path: Path) -> None:
        names = (*HEADERS, "Omschrijving 1", "Omschrijving 2")
        made = drafted(tmp_path, [names, (*ROW, "a", "b")])
        assert brief(made.documents[0]) == ("F-1", [2], [LINE])
        assert made.mapping.left_out == ["Omschrijving 1", "Omschrijving 2"]

    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            ("F\n1", "has line breaks or other characters that cannot be searched for"),
            ("F\0001", "has line breaks or other characters that cannot be searched for"),
            ("F" * 201, "is longer than 200 characters"),
        ],
    )
    def test_a_reference_that_cannot_be_found_again(
        self, tmp_path: Path, reference: str, said: str
    ) -> None:
        (problem,) = told(drafted(tmp_path, [HEADERS, (reference, *ROW[1:])]))
        assert said in problem
        assert "\n" not in problem

    def test_values_without_a_header_are_told(self, tmp_path: Path) -> None:
        made = drafted(tmp_path, [HEADERS, (*ROW, "more"), ("F-2", *ROW[1:])])
        assert made.notes == ["Rows 2 have values in columns without a header; those are left out."]

    def test_a_date_is_that_of_invoice_and_order(self, tmp_path: Path) -> None:
        for header in ("Factuurdatum", "Orderdatum"):
            names = ("Factuurnummer", "Klantcode", header, *HEADERS[3:])
            fields = drafted(tmp_path, [names, ROW]).documents[0].fields
            assert (fields["InvoiceDate"], fields["OrderDate"]) == ("2026-11-28",) * 2


class TestMoney:
    @pytest.mark.parametrize(
        ("choices", "price"), [({"decimal": "comma"}, "1250"), ({"decimal": "point"}, "1.250")]
    )
    def test_a_mark_that_is_open_is_asked_for(
        self, tmp_path: Path, choices: dict[str, str], price: str
    ) -> None:
        rows = [HEADERS, (*ROW[:5], "1.250")]
        (question,) = drafted(tmp_path, rows).questions
        assert question.refusal == (
            "column Prijs: '1.250' can be 1250 or 1.25; give --decimal comma or --decimal point"
        )
        made = drafted(tmp_path, rows, **choices)
        assert (made.questions, made.documents[0].lines[0].fields["NetPrice"]) == (
            [],
            Decimal(price),
        )

    def test_each_column_has_its_own_mark(self, tmp_path: Path) -> None:
        rows = [HEADERS, (*ROW[:4], "1.5", "12,50")]
        fields = drafted(tmp_path, rows).documents[0].lines[0].fields
        assert (fields["Quantity"], fields["NetPrice"]) == (Decimal("1.5"), Decimal("12.50"))

    def test_a_column_with_both_marks_is_asked_about(self, tmp_path: Path) -> None:
        rows = [HEADERS, ROW, ("F-2", *ROW[1:5], "12.50")]
        (question,) = drafted(tmp_path, rows).questions
        assert question.text == "column Prijs: '12.50' has another decimal mark than others"
        (problem,) = told(drafted(tmp_path, rows, decimal="comma"))
        assert problem == (
            "row 3 (reference F-2): Prijs '12.50' is not a number; decimals take a comma in this "
            "column, or give --decimal point"
        )

    @pytest.mark.parametrize(
        ("header", "value", "choices", "discount"),
        [
            ("Korting %", "10", {}, "0.1"),
            ("Korting %", "2,5", {}, "0.025"),
            ("Korting", "10 %", {}, "0.1"),
            ("Korting", "10", {"discounts": "percent"}, "0.1"),
            ("Korting", "0,1", {"discounts": "fraction"}, "0.1"),
            ("Kortingspercentage", "10", {}, "0.1"),
        ],
    )
    def test_a_discount_becomes_a_fraction_of_the_price_before_it(
        self, tmp_path: Path, header: str, value: str, choices: dict[str, str], discount: str
    ) -> None:
        made = drafted(tmp_path, [(*HEADERS, header), (*ROW, value)], **choices)
        assert made.questions == []
        fields = made.documents[0].lines[0].fields
        assert (fields["Discount"], fields["UnitPrice"]) == (Decimal(discount), Decimal("12.50"))
        assert "NetPrice" not in fields

    def test_a_discount_that_may_be_either_is_asked_for(self, tmp_path: Path) -> None:
        (question,) = drafted(tmp_path, [(*HEADERS, "Korting"), (*ROW, "10")]).questions
        assert question.text == "column Korting: 10 can be 10 % or 1000 %"

    def test_a_discount_as_an_amount_is_refused(self, tmp_path: Path) -> None:
        made = drafted(
            tmp_path, [(*HEADERS, "Kortingsbedrag"), (*ROW, "5"), ("F-2", *ROW[1:], "0")]
        )
        (problem,) = told(made)
        assert problem.startswith("row 2 (reference F-1): Kortingsbedrag '5' is a discount as an")

    def test_prices_of_a_shop_are_asked_about(self, tmp_path: Path) -> None:
        names = (*HEADERS[:5], "Lineitem price")
        (question,) = drafted(tmp_path, [names, ROW]).questions
        assert question.refusal == (
            "column Lineitem price: its prices can be with VAT or without; give --prices incl or "
            "--prices excl"
        )

    @pytest.mark.parametrize(
        ("value", "vat"),
        [
            ("21", "21 %"),
            ("21 %", "21 %"),
            ("21,0", "21 %"),
            ("0,21", "21 %"),
            ("0", "0 %"),
            ("", None),
        ],
    )
    def test_a_rate_is_read_in_all_its_forms(
        self, tmp_path: Path, value: str, vat: str | None
    ) -> None:
        made = drafted(tmp_path, [(*HEADERS, "Btw %"), (*ROW, value)])
        assert made.documents[0].lines[0].meant.get("vat_rate") == vat


class TestOtherEntities:
    def test_customers(self, tmp_path: Path) -> None:
        names = ("Relatiecode", "Bedrijfsnaam", "Land", "KvK-nummer", "Debiteur (J/N)")
        rows = [names, ("20001", "A", "Nederland", "01234567", "J"), ("20002", "B", "be", "", "N"),
                ("20003", "C", "Atlantis", "", "")]  # fmt: skip
        made = drafted(tmp_path, rows, entity="accounts")
        assert made.documents[0].fields == {
            "Name": "A",
            "Country": "NL",
            "ChamberOfCommerce": "01234567",
            "Status": "C",
        }
        assert made.documents[1].fields == {"Name": "B", "Country": "BE"}
        (problem,) = told(made)
        assert problem == (
            "row 4 (reference 20003): Land 'Atlantis' is not a known country; write its code "
            "of two letters, such as NL"
        )

    def test_items_leave_their_sales_price_out(self, tmp_path: Path) -> None:
        names = ("Artikelcode", "Omschrijving", "Verkoopprijs", "Voorraadartikel")
        made = drafted(tmp_path, [names, ("X-1", "Stoel", "12,50", "ja")], entity="items")
        assert made.documents[0].fields == {"Description": "Stoel", "IsStockItem": True}
        assert made.mapping.left_out == ["Verkoopprijs"]

    def test_debit_and_credit_become_an_amount_with_a_sign(self, tmp_path: Path) -> None:
        names = ("Boekstuk", "Dagboek", "Datum", "Grootboekrekening", "Debet", "Credit")
        rows = [names, ("M-1", "90", "30-11-2026", "4500", "10,50", ""),
                ("M-1", "90", "30-11-2026", "2000", "", "10,50")]  # fmt: skip
        made = drafted(tmp_path, rows, entity="general_journal_entries")
        amounts = [line.fields["AmountFC"] for line in made.documents[0].lines]
        assert (made.questions, told(made), amounts) == (
            [],
            [],
            [Decimal("10.50"), Decimal("-10.50")],
        )

    @pytest.mark.parametrize(
        ("debit", "credit", "said"),
        [
            ("10", "10", "row 2 (reference M-1): Debet 10 and Credit 10 are on one row"),
            ("", "", "row 2 (reference M-1): has neither debit nor credit"),
            ("900", "", "M-1 is not in balance: debit 900.00, credit 0.00, difference 900.00"),
        ],
    )
    def test_what_is_wrong_with_debit_and_credit(
        self, tmp_path: Path, debit: str, credit: str, said: str
    ) -> None:
        names = ("Boekstuk", "Dagboek", "Datum", "Grootboekrekening", "Debet", "Credit")
        rows = [names, ("M-1", "90", "30-11-2026", "4500", debit, credit)]
        assert said in told(drafted(tmp_path, rows, entity="general_journal_entries"))[0]

    @pytest.mark.parametrize(("side", "amount"), [("D", "10"), ("C", "-10"), ("Credit", "-10")])
    def test_a_letter_gives_the_sign(self, tmp_path: Path, side: str, amount: str) -> None:
        names = ("Boekstuk", "Dagboek", "Datum", "Grootboekrekening", "Bedrag", "D/C", "Btw-code")
        rows = [names, ("M-1", "90", "30-11-2026", "4500", "10", side, "2")]
        made = drafted(tmp_path, rows, entity="general_journal_entries")
        assert made.documents[0].lines[0].fields["AmountFC"] == Decimal(amount)

    def test_bills(self, tmp_path: Path) -> None:
        names = ("Factuurnummer", "Crediteurnummer", "Factuurdatum", "Dagboek", "Grootboekrekening",
                 "Bedrag excl. btw")  # fmt: skip
        made = drafted(tmp_path, [names, ("B-1", "50001", "28-11-2026", "60", "4500", "100,00")],
                       entity="purchase_entries")  # fmt: skip
        (document,) = made.documents
        assert (made.questions, document.reference) == ([], "B-1")
        assert document.fields == {"Supplier": "50001", "EntryDate": "2026-11-28", "Journal": "60"}
        assert document.lines[0].fields == {"GLAccount": "4500", "AmountFC": Decimal("100.00")}


@pytest.mark.parametrize(
    ("cell", "text"),
    [("'00123", "00123"), (" '12", "12"), ("Actie '25 korting", "Actie '25 korting"), ("'n", "'n")],
)
def test_an_apostrophe_in_front_of_digits_is_the_spreadsheets(cell: str, text: str) -> None:
    assert text_of(cell) == text
