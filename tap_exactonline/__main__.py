"""Run tap-exactonline, by its name or with `python -m tap_exactonline`."""

from exactonline_client.plugin.imports import run_alone, uncollected


def main() -> None:
    """Run the tap as a console script."""
    run_alone()
    with uncollected():
        from exactonline_client.plugin import start  # noqa: PLC0415
        from tap_exactonline.tap import TapExactOnline  # noqa: PLC0415
    start.run(TapExactOnline)


if __name__ == "__main__":
    main()
