"""The entity data model: types, values and their encoding."""
