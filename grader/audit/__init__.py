"""What must hold of an exercise before it is released, proven by marking."""
