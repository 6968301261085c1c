"""A marking becomes a report: points, findings in a student's words, the smallest failing case."""
