"""Run target-exactonline with `python -m target_exactonline`."""

from target_exactonline.target import main

main()
