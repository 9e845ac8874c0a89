"""Write Singer records into Exact Online, each document exactly once."""
