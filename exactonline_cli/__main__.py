"""Run `exactonline`, by its name or with `python -m exactonline_cli`."""

from exactonline_client.plugin.imports import own_process, uncollected


def main() -> None:
    """Run the command as a console script."""
    own_process()
    with uncollected():
        from exactonline_cli.main import main as exactonline  # noqa: PLC0415
    exactonline()


if __name__ == "__main__":
    main()
