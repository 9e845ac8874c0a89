"""Exact Online into the warehouse every hour, one Dagster asset for each group of divisions.

Load it with `dagster dev -f dagster_definitions.py`. The groups are plugins of the Meltano project
that inherit from tap-exactonline, each with divisions of its own; all of them share one store in
PostgreSQL.
"""

import subprocess

import dagster

PROJECT = "/srv/books"
GROUPS = ("north", "south")
RETRIES = dagster.RetryPolicy(max_retries=2, delay=1200)


def load(group: str) -> dagster.AssetsDefinition:
    """The tables of one group of divisions."""

    @dagster.asset(name=f"exact_online_{group}", retry_policy=RETRIES)
    def run(context: dagster.AssetExecutionContext) -> None:
        command = ["meltano", "run", f"tap-exactonline--{group}", "target-postgres"]
        context.log.info("Running %s", " ".join(command))
        subprocess.run(command, cwd=PROJECT, check=True)

    return run


assets = [load(group) for group in GROUPS]
job = dagster.define_asset_job("exact_online", selection=assets)
defs = dagster.Definitions(
    assets=assets,
    jobs=[job],
    schedules=[dagster.ScheduleDefinition(job=job, cron_schedule="7 * * * *")],
)
