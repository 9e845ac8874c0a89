"""Run target-exactonline, by its name or with `python -m target_exactonline`."""

from exactonline_client.plugin.imports import skip_last_collection, uncollected

with uncollected(freeze=True):
    from exactonline_client.plugin import start
    from target_exactonline.target import TargetExactOnline


def main() -> None:
    """Run the target as a console script."""
    skip_last_collection()
    start.run(TargetExactOnline)


if __name__ == "__main__":
    main()
