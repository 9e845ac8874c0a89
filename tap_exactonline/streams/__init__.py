"""The streams as the Singer SDK sees them."""
