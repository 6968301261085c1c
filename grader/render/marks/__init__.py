"""A `Book` as files for others: gradebooks of platforms, tables, pages for students. Everything here returns text."""
