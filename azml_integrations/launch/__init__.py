"""From a source folder to a process that runs it: snapshots, and what is started from them.

This floor knows no `Run`: it is given folders, ids and plain facts, and the floor above writes them into runs.
"""
