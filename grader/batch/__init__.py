"""A whole course, marked unattended.

    SUBMISSIONS (folder or zip) -> tree -> layouts (who?) -> intake: hand-ins, and files without an owner
        -> RUN/sources -> lanes (processes of the engine, one submission at a time) -> RUN/reports.jsonl, RUN/run.json

    batch (marking, work, lanes, talk, stem) -- stem: reads the exercise once -- lanes, forked from it -- zygotes -- workers

A lane's work depends on nothing but exercise, submission and seed, so shards can be marked anywhere and merged.
"""
