"""`%grade SLUG` in a notebook: what the kernel holds is marked by the command, and the report shown as a page."""
