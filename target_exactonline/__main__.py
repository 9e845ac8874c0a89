"""Run target-exactonline, by its name or with `python -m target_exactonline`."""

from exactonline_client.plugin.imports import own_process, uncollected


def main() -> None:
    """Run the target as a console script."""
    own_process()
    with uncollected():
        from exactonline_client.plugin import start  # noqa: PLC0415
        from target_exactonline.target import TargetExactOnline  # noqa: PLC0415
    start.run(TargetExactOnline)


if __name__ == "__main__":
    main()
