"""A place in the queue: everything that a launcher must know to run a submitted script."""

import msgspec


class Distribution(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many processes work on one run, and how they find each other.

    Attributes
    ----------
    processes : int
        At least 1; each is started with its rank.
    kind : {"none", "pytorch", "mpi", "tensorflow"}
        Whose environment variables tell the ranks.
    """

    processes: int = 1
    kind: str = "none"


class Ticket(msgspec.Struct, frozen=True, omit_defaults=True):
    """One submitted run, as it waits and while it runs.

    Attributes
    ----------
    run_id, experiment, target : str
        Which run it is.
    submitter : str
        Who submitted it; slots are shared out fairly among submitters.
    at : float
        Moment of submission [s since the epoch, UTC].
    python : str
        Absolute path of the interpreter.
    snapshot_id : str or None
        What the working copy is made from; None for a job that has none.
    script : str or None
        POSIX path in the working copy; None where there is a `command`.
    module : str or None
        A module that is run in place of a script: jobs of our own.
    command : str or None
        A line for the shell.
    arguments : list of bytes
        Behind the script, module or command: what a command line holds need not be text.
    variables : dict of bytes to bytes
        The whole environment of the script but for what looks like a secret.
    withheld : list of str
        Names of variables whose values are handed over in memory.
    distribution : Distribution
        How many processes.
    requirements : list of str
        Lines of a requirements file: what an environment that is built first has to hold; empty for none.
    seconds : float or None
        The run is canceled when it takes longer [s].
    slotless : bool
        Whether it takes no slot: a sweep's controller waits for others most of its time.
    log : str
        Artifact name of its output.
    lives : int
        How often it is started until it has told how it ended: more than once only what goes on where it was, as a
        sweep's controller does after a SIGKILL.
    """

    run_id: str
    experiment: str
    target: str
    submitter: str
    at: float
    python: str
    snapshot_id: str | None = None
    script: str | None = None
    module: str | None = None
    command: str | None = None
    arguments: list[bytes] = []
    variables: dict[bytes, bytes] = {}
    withheld: list[str] = []
    distribution: Distribution = Distribution()
    requirements: list[str] = []
    seconds: float | None = None
    slotless: bool = False
    log: str = "user_logs/std_log.txt"
    lives: int = 1

    @property
    def slots(self) -> int:
        """How many slots it takes."""
        return 0 if self.slotless else self.distribution.processes

    def log_of(self, rank: int) -> str:
        """Return the artifact name of one process's output."""
        if self.distribution.processes == 1:
            return self.log
        stem, dot, suffix = self.log.rpartition(".")
        return f"{stem}_process_{rank}{dot}{suffix}"


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Ticket).decode
