"""The engine: submissions in, markings (recording, outcomes) out; pytest collects once and runs every item.

plan      what the marks on a test say, checked
streams   what `student`, `reference` and `rng` are during a run
plugin    the pytest plugin: collection, the run loop, one item
engine    one submission after the other: workers, deadlines, order, blocked items
"""
