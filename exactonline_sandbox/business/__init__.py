"""Business rules per entity: defaults, validation and follow-up bookings."""
