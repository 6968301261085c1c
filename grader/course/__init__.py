"""A course and its exercises: folders and settings as values."""
