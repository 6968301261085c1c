"""The untrusted island and what starts it.

wire      bytes <-> values, with limits                      (imported on both sides)
server    inside the worker: load a submission, serve calls  (imports of ours: wire, blocks, policy)
zygote    the warm parent that forks workers                 (imports of ours: server, sandbox)
sandbox   what a worker gives up before student code runs
launch    grader side: start zygotes and workers
client    grader side: one worker, its calls, its death
"""
