"""`python -m target_exactonline` is the program target-exactonline."""

from target_exactonline.target import main

main()
