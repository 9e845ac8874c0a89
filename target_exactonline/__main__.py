"""Run target-exactonline, by its name or with `python -m target_exactonline`."""

from exactonline_client.plugin.imports import run_alone, uncollected


def main() -> None:
    """Run the target as a console script."""
    run_alone()
    with uncollected():
        from exactonline_client.plugin import start  # noqa: PLC0415
        from target_exactonline.target import TargetExactOnline  # noqa: PLC0415
    start.run(TargetExactOnline)


if __name__ == "__main__":
    main()
