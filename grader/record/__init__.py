"""What marking leaves behind: recordings, known mistakes, reports; values and their files."""
