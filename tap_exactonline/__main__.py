"""Run tap-exactonline, by its name or with `python -m tap_exactonline`."""

from exactonline_client.plugin.imports import own_process, uncollected


def main() -> None:
    """Run the tap as a console script."""
    own_process()
    with uncollected():
        from exactonline_client.plugin import start  # noqa: PLC0415
        from tap_exactonline.tap import TapExactOnline  # noqa: PLC0415
    start.run(TapExactOnline)


if __name__ == "__main__":
    main()
