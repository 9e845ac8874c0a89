"""The books of a company: tables, feeds, references and bookings."""
