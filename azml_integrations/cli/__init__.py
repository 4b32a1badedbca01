"""The ``azml`` command: reads, and repairs, what scripts have recorded."""


def main() -> None:
    """Run the command line."""
    from .app import azml

    azml(prog_name="azml")
