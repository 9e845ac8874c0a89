"""What `proof.reads` is made of: a warehouse to load, the truth to hold it against, and loads."""
