"""What the proofs of the target are made of."""
