"""A limit that old scripts lift."""

SNAPSHOT_MAX_SIZE_BYTES = 314572800
"""Size of the largest snapshot in the cloud [bytes]; there is no such limit here, so setting it changes nothing."""
