"""Exact Online into the warehouse every hour, one task for each group of divisions.

Put this file into the folder of DAGs, and the Meltano project where PROJECT says. The groups are
plugins of the project that inherit from tap-exactonline, each with divisions of its own; all of
them share one store in PostgreSQL.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = "/srv/books"
GROUPS = ("north", "south")

# Exit codes that a later try can mend: the daily limit, no answer, the store, the hourly block.
# Under `meltano run` every failure ends with 1, so the log tells them apart.
RETRIES = {"retries": 2, "retry_delay": timedelta(minutes=20)}

with DAG(
    "exact_online",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule="7 * * * *",
    catchup=False,
    # Meltano refuses a second run of the same state anyhow.
    max_active_runs=1,
    default_args=RETRIES,
):
    loads = [
        BashOperator(
            task_id=f"load_{group}",
            bash_command=f"meltano run tap-exactonline--{group} target-postgres",
            cwd=PROJECT,
            append_env=True,
            execution_timeout=timedelta(hours=6),
        )
        for group in GROUPS
    ]
    sign_in_holds = BashOperator(
        task_id="sign_in_holds",
        bash_command="meltano invoke tap-exactonline:status --warn-days 7",
        cwd=PROJECT,
        append_env=True,
        trigger_rule="all_done",
    )
    loads >> sign_in_holds
