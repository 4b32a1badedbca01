"""The index and the files of runs: what can be folded from journals, and where artifacts lie."""
