"""Run tap-exactonline, by its name or with `python -m tap_exactonline`."""

from exactonline_client.plugin.imports import skip_last_collection, uncollected

with uncollected(freeze=True):
    from exactonline_client.plugin import start
    from tap_exactonline.tap import TapExactOnline


def main() -> None:
    """Run the tap as a console script."""
    skip_last_collection()
    start.run(TapExactOnline)


if __name__ == "__main__":
    main()
