"""The report: the figures of the marts and the verdicts of the proofs, in one HTML file."""
