"""Run target-exactonline, by its name or with `python -m target_exactonline`."""

from exactonline_client.plugin.imports import uncollected

with uncollected():
    from exactonline_client.plugin import start
    from target_exactonline.target import TargetExactOnline


def main() -> None:
    """Run the target as a console script."""
    start.run(TargetExactOnline)


if __name__ == "__main__":
    main()
