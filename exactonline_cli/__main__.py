"""Run `exactonline`, by its name or with `python -m exactonline_cli`."""

from exactonline_client.plugin.imports import skip_last_collection, uncollected

with uncollected(freeze=True):
    from exactonline_cli.main import main as exactonline


def main() -> None:
    """Run the command as a console script."""
    skip_last_collection()
    exactonline()


if __name__ == "__main__":
    main()
