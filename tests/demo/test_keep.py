"""`make demo-keep`: what it prints can be opened and pasted, and Ctrl-C ends it all."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped]
import pytest
import requests

from demo.stack import ROOT

pytestmark = pytest.mark.e2e
PROGRAM = """
    import sys
    from pathlib import Path
    from rich.console import Console
    from demo import ending, keep, stack

    def main():
        with stack.running(Path(sys.argv[1]) / "stack", ["--invoices", "2"]) as parts:
            columns = '"InvoiceToName" text, "AmountDC" float, "_sdc_deleted_at" timestamp'
            parts.sql("create schema exact")
            parts.sql(f"create table exact.sales_invoices ({columns})")
            parts.sql("insert into exact.sales_invoices values ('De Eik', 12.5), ('De Eik', 3)")
            keep.wait(parts, parts.sandbox.facts["divisions"][0], Console())

    ending.run(main)
"""


def test_what_is_left_running() -> None:
    with (
        TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-u", "-c", textwrap.dedent(PROGRAM), folder],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        assert process.stdout is not None
        printed: list[str] = []
        for line in process.stdout:
            printed.append(line)
            if line.startswith("Press Ctrl-C"):
                break
        text = "".join(printed)
        addresses = re.findall(r"http://\S+", text)
        assert len(addresses) == 2
        for address in addresses:
            assert "De Gouden Krakeling" in requests.get(address, timeout=20).text
        command = next(line for line in printed if "select" in line)
        asked = subprocess.run(  # noqa: S602 - it is for a shell
            command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert re.search(r"De Eik +\| +2 \| +15\.50", asked.stdout)
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert said.endswith("Stopped. Nothing that was started is left running.\n")
        assert "Traceback" not in said
        _, left = psutil.wait_procs(started, timeout=10)
        assert not [each for each in left if each.status() != psutil.STATUS_ZOMBIE]
