"""Running submitted scripts on this machine: snapshots, the queue of a compute target, its launcher, environments.

`submission` upstairs in the core puts a `Ticket` into a `Queue`; one launcher process for each workspace and target
takes it out, makes the working copy, starts the script, and writes into the run's own journal what becomes of it.
"""
