"""Runs scripts on this machine: snapshots, environments, the queue, the processes."""
