"""Which known wrong idea explains what a submission answered."""
