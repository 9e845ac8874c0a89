"""`exactonline invoices import` and `exactonline import`, against a company."""

from __future__ import annotations

import json
import random
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from exactonline_cli.spreadsheet import profile
from exactonline_cli.spreadsheet.csv_file import read
from tests.cli.conftest import at_keyboard
from tests.cli.spreadsheet.builders import HEADERS, draft, save_csv, save_xlsx

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.spreadsheet.conftest import Company

NAMES = (*HEADERS, "Btw %")
CHOSEN = random.Random(20_261_128)


def row(reference: str, *others: str) -> tuple[str, ...]:
    usual = ("10000", "28-11-2026", "A-0001", "2", "12,50", "21")
    return (reference, *others, *usual[len(others) :])


def amounts(row: dict[str, Any]) -> tuple[Decimal, ...]:
    names = ("AmountFCExclVat", "VATAmountFC", "AmountFC")
    return tuple(Decimal(str(row[name])) for name in names)


def shown(document: dict[str, Any]) -> tuple[Decimal, ...]:
    return tuple(Decimal(document[name]) for name in ("net", "vat", "total"))


class TestInvoices:
    def test_a_table_becomes_invoices_and_only_once(self, company: Company, tmp_path: Path) -> None:
        rows = [NAMES, row("ONCE-1"), row("ONCE-1", "10000", "28-11-2026", "A-0004", "1", "4,89"),
                row("ONCE-2", "10001")]  # fmt: skip
        path = save_csv(tmp_path / "a.csv", rows, encoding="cp1252")
        found = company.invoices_import(path)
        assert [(each["reference"], each["outcome"]) for each in found["results"]] == [
            ("ONCE-1", "created"),
            ("ONCE-2", "created"),
        ]
        (invoice,) = company.invoices("ONCE-1")
        assert shown(found["documents"][0]) == amounts(invoice)
        assert str(invoice["InvoiceDate"])[:10] == "2026-11-28"
        assert company.writes
        again = company.invoices_import(path)
        assert (again["results"], again["exit_code"], company.writes) == ([], 0, 0)
        assert {each["state"] for each in again["documents"]} == {"there already"}
        listed = company.run("results", "--json").stdout.splitlines()
        assert {json.loads(line)["reference"] for line in listed} >= {"ONCE-1", "ONCE-2"}

    @pytest.mark.parametrize("price", ["Prijs", "Prijs incl. btw"])
    def test_totals_are_those_of_exact_to_the_cent(
        self, company: Company, tmp_path: Path, price: str
    ) -> None:
        names = (*HEADERS[:5], price, "Btw %", "Korting %")
        rows = [
            (
                f"SUM-{len(price)}-{number // 3}",
                "10000",
                "28-11-2026",
                "A-0001",
                f"{CHOSEN.randrange(-999, 99_999) / 1000:.3f}".replace(".", ","),
                f"{CHOSEN.randrange(1, 999_999) / 10_000:.4f}".replace(".", ","),
                "21",
                f"{CHOSEN.randrange(0, 4000) / 100:.2f}".replace(".", ","),
            )
            for number in range(60)
        ]
        # One number of each column that cannot be read in two ways.
        rows.append((*rows[-1][:4], "1,5", "2,25", "21", "0,5"))
        found = company.invoices_import(save_csv(tmp_path / "a.csv", [names, *rows]))
        assert len(found["results"]) == 20
        rows_there = company.rows("sales_invoices")
        there = {invoice["YourRef"]: amounts(invoice) for invoice in rows_there}
        for document in found["documents"]:
            assert shown(document) == there[document["reference"]], document

    def test_an_account_that_is_no_customer_is_named_before_it_is_refused(
        self, company: Company, tmp_path: Path
    ) -> None:
        path = save_csv(tmp_path / "a.csv", [NAMES, row("SUP-1", "50001"), row("SUP-2")])
        found = company.invoices_import(path)
        (note,) = (note for note in found["notes"] if "not customers" in note)
        assert note.startswith(
            "Exact may refuse invoices to accounts that are not customers: 50001."
        )
        outcomes = {each["reference"]: each["outcome"] for each in found["results"]}
        assert outcomes == {"SUP-1": "rejected", "SUP-2": "created"}

    def test_refused_rows_come_in_a_file_and_only_they_are_sent_then(
        self, company: Company, tmp_path: Path
    ) -> None:
        rows = [
            (*NAMES, "Eigen id"),
            (*row("REJ-1"), "1"),
            (*row("REJ-2", "99999"), "2"),
            (*row("REJ-3"), "3"),
            (*row("REJ-3", "10000", "28-11-2026", "A-1"), "4"),
        ]
        path = save_csv(tmp_path / "nov.csv", rows, delimiter="|", encoding="utf-16")
        found = company.invoices_import(path)
        assert (found["exit_code"], [each["reference"] for each in found["results"]]) == (
            5,
            ["REJ-1"],
        )
        assert [(each["row"], each["column"], each["value"]) for each in found["problems"]] == [
            (3, "Klantcode", "99999"),
            (4, None, None),
            (5, "Artikelcode", "A-1"),
        ]
        rejected = tmp_path / "nov.rejected.csv"
        table = read(rejected, None, len)
        assert (table.encoding, table.delimiter) == ("utf-16", "|")
        cells = [[str(cell) for cell in each.cells] for each in table.rows]
        assert cells[0] == [*NAMES, "Eigen id", "Exact import: row", "Exact import: reason"]
        assert [each[:8] for each in cells[1:]] == [list(each) for each in rows[2:]]
        assert [each[8] for each in cells[1:]] == ["3", "4", "5"]
        assert cells[3][9].startswith("Artikelcode 'A-1' is the code of no item")
        corrected = rejected.read_bytes().decode("utf-16").replace("99999", "10001")
        rejected.write_bytes(corrected.replace("|A-1|", "|A-0002|").encode("utf-16"))
        found = company.invoices_import(rejected)
        assert [each["reference"] for each in found["results"]] == ["REJ-2", "REJ-3"]
        assert found["exit_code"] == 0
        assert len(company.invoices("REJ-1")) == 1

    def test_a_workbook_of_refused_rows_can_be_imported(
        self, company: Company, tmp_path: Path
    ) -> None:
        rows = [NAMES, ["XL-1", (42, "00000"), "28-11-2026", "A-0001", 2, 12.5, (0.21, "0%")]]
        path = save_xlsx(tmp_path / "nov.xlsx", {"Nov": rows})
        assert company.invoices_import(path)["exit_code"] == 5
        (document,) = draft(tmp_path / "nov.rejected.xlsx").documents
        assert document.fields["OrderedBy"] == "00042"
        assert document.lines[0].meant == {"vat_rate": "21 %"}
        assert document.lines[0].fields["NetPrice"] == Decimal("12.5")
        # Nothing was sent and the rows are kept: they are not kept again.
        company.invoices_import(path)
        assert sorted(each.name for each in tmp_path.glob("*.xlsx")) == [
            "nov.rejected.xlsx",
            "nov.xlsx",
        ]

    def test_a_reference_leads_to_the_invoice_in_a_browser(
        self, company: Company, tmp_path: Path
    ) -> None:
        path = save_csv(tmp_path / "a.csv", [NAMES, row("LINK-1")])
        terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
        said = company.run("invoices", "import", path, "--yes", **terminal).stdout
        (address,) = re.findall(r"\x1b\]8;[^;]*;(http[^\x1b]+)\x1b\\LINK-1", said)
        shown = requests.get(address, headers={"Accept": "text/html"}, timeout=20)
        assert "LINK-1" in shown.text
        assert "30.25" in shown.text
        again = company.run("results", "--reference", "LINK-1", **terminal).stdout
        assert address in again

    def test_a_dry_run_leaves_nothing(self, company: Company, tmp_path: Path) -> None:
        path = save_csv(tmp_path / "a.csv", [NAMES, row("DRY-1"), row("DRY-2", "99999")])
        result = company.run("invoices", "import", path, "--dry-run")
        assert result.exit_code == 5
        assert "DRY-1  10000 Apotheek" in result.stdout
        assert "net 25.00  VAT 5.25  total 30.25" in result.stdout
        assert "1 to create, 1 refused; together 30.25 with VAT." in result.stdout
        assert (company.writes, company.invoices("DRY-1")) == (0, [])
        assert [each.name for each in tmp_path.glob("*.csv")] == ["a.csv"]
        assert not (tmp_path / profile.FILE).exists()

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ((), "Nothing was sent, since nobody can be asked here: give --yes to send"),
            (("--json",), "--json asks nothing: give --yes or --dry-run with it"),
        ],
    )
    def test_without_a_terminal_nothing_is_sent(
        self, company: Company, tmp_path: Path, options: tuple[str, ...], said: str
    ) -> None:
        path = save_csv(tmp_path / "a.csv", [NAMES, row("ASK-1")])
        result = company.run("invoices", "import", path, *options)
        assert (result.exit_code, company.invoices("ASK-1")) == (2, [])
        assert said in result.stderr

    @pytest.mark.parametrize("options", [("--yes",), ("--dry-run",)])
    def test_what_is_open_is_refused_with_the_option_to_give(
        self, company: Company, tmp_path: Path, options: tuple[str, ...]
    ) -> None:
        rows = [HEADERS, ("OPEN-1", "10000", "03/04/2026", "A-0001", "1", "1.250")]
        path = save_csv(tmp_path / "a.csv", rows)
        result = company.run("invoices", "import", path, *options)
        assert result.exit_code == 2
        assert "give --decimal comma or --decimal point" in result.stderr
        assert "give --dates day-first or --dates month-first" in result.stderr
        assert (company.writes, company.invoices("OPEN-1")) == (0, [])

    def test_a_person_is_asked(self, company: Company, tmp_path: Path) -> None:
        rows = [HEADERS, ("SEEN-1", "10000", "2026-11-28", "A-0001", "1", "1.250")]
        path = save_csv(tmp_path / "a.csv", rows)
        with at_keyboard(("invoices", "import", str(path)), company.store_url) as (process, keys):
            __import__("os").write(keys, b"comma\ny\n")
            said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert b"'1.250' can be 1250 or 1.25" in said
        assert b"Send 1 sales invoices to division" in said
        (invoice,) = company.invoices("SEEN-1")
        assert amounts(invoice)[0] == 1250
        saved = json.loads((tmp_path / profile.FILE).read_text(encoding="utf-8"))
        assert [each["choices"]["decimal"] for each in saved.values()] == ["comma"]

    def test_a_person_says_no(self, company: Company, tmp_path: Path) -> None:
        path = save_csv(tmp_path / "a.csv", [NAMES, row("NO-1")])
        with at_keyboard(("invoices", "import", str(path)), company.store_url) as (process, keys):
            __import__("os").write(keys, b"n\n")
            process.communicate(timeout=60)
        assert (process.returncode, company.invoices("NO-1")) == (0, [])

    def test_what_columns_mean_is_kept_for_the_next_file(
        self, company: Company, tmp_path: Path
    ) -> None:
        names = ("Bon", "Wie", "Artikelcode", "Aantal", "Prijs")
        rows = [names, ("KEEP-1", "10000", "A-0001", "1", "1,50")]
        options = ("--column", "Bon=YourRef", "--column", "Wie=OrderedBy", "--set", "Journal=70")
        company.invoices_import(save_csv(tmp_path / "okt.csv", rows), *options)
        later = save_csv(tmp_path / "nov.csv", [names, ("KEEP-2", "10001", "A-0001", "1", "1,50")])
        found = company.invoices_import(later)
        assert found["results"][0]["reference"] == "KEEP-2"
        assert found["notes"][0].startswith("What columns mean is as for okt.csv, saved ")
        (invoice,) = company.invoices("KEEP-2")
        assert invoice["Journal"] == "70"
        changed = [(*names, "Kleur"), ("KEEP-3", "10001", "A-0001", "1", "1,50", "rood")]
        result = company.run("invoices", "import", save_csv(tmp_path / "dec.csv", changed), "--yes")
        assert result.exit_code == 2
        assert "The headers are not those of okt.csv" in result.stderr
        assert "new: Kleur" in result.stderr
        assert "--new-headers" in result.stderr

    def test_a_lost_answer_makes_no_second_invoice(self, company: Company, tmp_path: Path) -> None:
        company.server.control.faults(
            {"kind": "lost", "path": "salesinvoice/SalesInvoices", "method": "POST", "times": 1}
        )
        path = save_csv(tmp_path / "a.csv", [NAMES, row("LOST-1")])
        at_once = {"TARGET_EXACTONLINE_SETTLE_AFTER": "0"}
        found = company.invoices_import(path, **at_once)
        assert [each["outcome"] for each in found["results"]] == ["created"]
        company.invoices_import(path)
        assert len(company.invoices("LOST-1")) == 1

    def test_what_exact_refuses_names_its_row(self, company: Company, tmp_path: Path) -> None:
        company.server.control.faults(
            {"kind": "status", "status": 500, "path": "salesinvoice/SalesInvoices",
             "method": "POST", "times": 1, "message": "The period is closed"}
        )  # fmt: skip
        path = save_csv(tmp_path / "a.csv", [NAMES, row("SAYS-1"), row("SAYS-2")])
        found = company.invoices_import(path)
        assert found["exit_code"] == 5
        assert [(each["reference"], each["outcome"]) for each in found["results"]] == [
            ("SAYS-1", "rejected"),
            ("SAYS-2", "created"),
        ]
        (problem,) = found["problems"]
        assert (problem["row"], problem["reference"]) == (2, "SAYS-1")
        assert "The period is closed" in problem["reason"]
        assert (tmp_path / "a.rejected.csv").exists()
        # It is in the journal like any other rejected record.
        listed = company.run("results", "--reference", "SAYS-1", "--json").stdout
        assert json.loads(listed)["outcome"] == "rejected"

    def test_at_the_daily_limit_what_was_written_is_shown_and_the_rest_is_left(
        self, company: Company, tmp_path: Path
    ) -> None:
        path = save_csv(tmp_path / "a.csv", [NAMES, *(row(f"DAY-{each}") for each in range(6))])
        company.run("invoices", "import", path, "--dry-run")
        used = company.server.control.calls()["data_calls"]
        company.server.control.limits(division=company.division, leave_today=used + 6)
        result = company.run("invoices", "import", path, "--yes")
        company.server.control.limits(division=company.division, leave_today=100_000)
        assert result.exit_code == 4, result.output
        there = [each for each in range(6) if company.invoices(f"DAY-{each}")]
        assert 0 < len(there) < 6
        assert result.stdout.count(" created ") == len(there)
        assert "calls of today are used up" in result.stderr

    def test_a_replay_reads_its_numbers_whatever_the_settings_say(
        self, company: Company, tmp_path: Path
    ) -> None:
        company.server.control.faults(
            {"kind": "status", "status": 500, "path": "salesinvoice/SalesInvoices",
             "method": "POST", "times": 1, "message": "Not now"}
        )  # fmt: skip
        rows = [NAMES, row("AGAIN-1", "10000", "28-11-2026", "A-0001", "1,375", "1234,565")]
        path = save_csv(tmp_path / "a.csv", rows)
        commas = {"TARGET_EXACTONLINE_DECIMAL": "comma", "TARGET_EXACTONLINE_DATES": "day-first"}
        found = company.invoices_import(path, "--decimal", "comma", **commas)
        assert found["results"][0]["outcome"] == "rejected"
        assert company.run("replay", "--reference", "AGAIN-1", **commas).exit_code == 0
        (invoice,) = company.invoices("AGAIN-1")
        assert amounts(invoice)[0] == Decimal("1697.53")

    def test_invoices_are_finalised_where_that_is_asked_for(
        self, company: Company, tmp_path: Path
    ) -> None:
        path = save_csv(tmp_path / "a.csv", [NAMES, row("FIN-1")])
        found = company.invoices_import(path, "--finalize", "print")
        (invoice,) = company.invoices("FIN-1")
        assert found["results"][0]["number"] == str(invoice["InvoiceNumber"])

    @pytest.mark.parametrize("language", ["nl", "en", "fr", "de"])
    def test_a_template_can_be_imported(
        self, company: Company, tmp_path: Path, language: str
    ) -> None:
        text = company.run("invoices", "template", "--language", language).stdout
        path = tmp_path / f"{language}.csv"
        path.write_text(text, encoding="utf-8")
        found = company.run("invoices", "import", path, "--dry-run", "--json")
        (document,) = json.loads(found.stdout)["documents"]
        assert (document["state"], len(document["lines"])) == ("new", 2)

    def test_many_mistakes_of_one_kind_are_told_once(
        self, company: Company, tmp_path: Path
    ) -> None:
        rows = [NAMES, *(row(f"MANY-{number}", "99999") for number in range(30))]
        result = company.run("invoices", "import", save_csv(tmp_path / "a.csv", rows), "--dry-run")
        told = [line for line in result.stdout.splitlines() if "Klantcode '99999'" in line]
        assert len(told) == 3
        assert "the same in 27 more: rows 5, 6, 7" in result.stdout
        assert "... and 10 more documents; --all shows them." in result.stdout


class TestOthers:
    def test_customers_that_are_there_are_left_as_they_are(
        self, company: Company, tmp_path: Path
    ) -> None:
        names = ("Relatiecode", "Bedrijfsnaam", "Plaats", "Land", "E-mail")
        rows = [names, ("20001", "Voorbeeld", "Testdorp", "België", ""),
                ("10000", "Anders", "", "", "x@example.com")]  # fmt: skip
        path = save_csv(tmp_path / "a.csv", rows)
        before = next(each for each in company.rows("accounts") if each["Code"].strip() == "10000")
        result = company.run("import", "accounts", path, "--yes", "--json")
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        assert [each["state"] for each in found["documents"]] == ["new", "there already"]
        by_code = {each["Code"].strip(): each for each in company.rows("accounts")}
        assert (by_code["20001"]["Country"].strip(), by_code["10000"]) == ("BE", before)
        result = company.run("import", "accounts", path, "--yes", "--json", "--update")
        after = next(each for each in company.rows("accounts") if each["Code"].strip() == "10000")
        assert (after["Name"], after["City"]) == ("Anders", before["City"])

    def test_journal_entries(self, company: Company, tmp_path: Path) -> None:
        names = ("Boekstuk", "Dagboek", "Datum", "Grootboekrekening", "Debet", "Credit")
        rows = [names, ("M-1", "90", "30-11-2026", "4500", "10,50", ""),
                ("M-1", "90", "30-11-2026", "2000", "", "10,50"),
                ("M-2", "90", "30-11-2026", "500", "1,00", ""),
                ("M-2", "90", "30-11-2026", "2000", "", "1,00")]  # fmt: skip
        path = save_csv(tmp_path / "a.csv", rows)
        before = len(company.rows("general_journal_entries"))
        result = company.run("import", "general_journal_entries", path, "--yes")
        assert result.exit_code == 5
        assert (
            "row 4 (reference M-2): Grootboekrekening '500' is the code of no ledger account, but "
            "0500 exists: a leading zero was lost" in result.stdout
        )
        assert len(company.rows("general_journal_entries")) == before + 1
        company.run("import", "general_journal_entries", path, "--yes")
        assert len(company.rows("general_journal_entries")) == before + 1

    def test_items_orders_and_entries(self, company: Company, tmp_path: Path) -> None:
        tables: dict[str, list[tuple[str, ...]]] = {
            "items": [("Artikelcode", "Omschrijving", "Btw-code", "Eenheid"),
                      ("X-1", "Stoel", "2", "pc")],
            "sales_orders": [("Ordernummer", *NAMES[1:]), row("O-1")],
            "sales_entries": [("Factuurnummer", "Klant", "Datum", "Dagboek", "Grootboek", "Bedrag"),
                              ("S-1", "10001", "28-11-2026", "70", "8000", "100,00")],
            "purchase_entries": [("Factuurnummer", "Leverancier", "Datum", "Dagboek", "Grootboek",
                                  "Bedrag excl. btw"),
                                 ("B-1", "50001", "28-11-2026", "60", "4500", "100,00")],
        }  # fmt: skip
        for entity, rows in tables.items():
            before = len(company.rows(entity))
            path = save_csv(tmp_path / f"{entity}.csv", rows)
            for _ in range(2):
                result = company.run("import", entity, path, "--yes")
                assert result.exit_code == 0, result.output
                assert len(company.rows(entity)) == before + 1

    def test_a_customer_that_is_neither_code_nor_name(
        self, company: Company, tmp_path: Path
    ) -> None:
        names = ("Factuurnummer", "Klant", *NAMES[2:])
        account = next(each for each in company.rows("accounts") if each["Code"].strip() == "10004")
        rows = [names, row("NAME-1", account["Name"]), row("NAME-2", "Bestaat Niet")]
        found = company.invoices_import(save_csv(tmp_path / "a.csv", rows))
        assert [each["customer"] for each in found["results"]] == [f"10004 {account['Name']}"]
        (problem,) = found["problems"]
        assert problem["reason"] == (
            "is the code or name of no account; correct it, or create it in Exact first"
        )

    def test_a_sheet_of_hours_of_a_consultant(self, company: Company, tmp_path: Path) -> None:
        names = ("Factuurnr.", "Klantcode", "Datum", "Project", "Omschrijving", "Uren", "Tarief")
        rows = [("Urenstaat november",), (), names,
                ("HOURS-1", "10001", "28-11-2026", "Migratie", "Overleg", "2:30", "95,00"),
                ("", "", "", "", "", "2:30", "")]  # fmt: skip
        path = save_csv(tmp_path / "a.csv", rows)
        item = ("--set", "Item=D-0017")
        (problem,) = company.invoices_import(path, *item)["problems"]
        assert problem["reason"].endswith(
            "create it in Exact first, or leave the column out with --column 'Project'=ignore"
        )
        found = company.invoices_import(path, *item, "--column", "Project=ignore")
        assert [each["reference"] for each in found["results"]] == ["HOURS-1"]
        assert found["documents"][0]["lines"][0]["Quantity"] == "2.5"
        assert found["skipped_rows"][-1]["row"] == 5

    def test_an_entity_that_is_not_there(self, company: Company, tmp_path: Path) -> None:
        path = save_csv(tmp_path / "a.csv", [NAMES, row("F-1")])
        result = company.run("import", "sales_invoice", path, "--dry-run")
        assert result.exit_code == 2
        assert "Did you mean sales_invoices" in result.stderr
