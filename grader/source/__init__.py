"""Source text: what a student hands in, and what an author's files become for students. Nothing is run here."""
