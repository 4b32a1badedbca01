"""Lengths of time and of files in words, the same wherever people read them."""


def duration(seconds: float) -> str:
    """Return a length of time in words: ``0.31 s``, ``4 m 05 s``, ``3 h 12 m``.

    Parameters
    ----------
    seconds : float
        How long [s].
    """
    minute, hour = 60, 3600
    if seconds < minute:
        return f"{seconds:.2f} s"
    if seconds < hour:
        return f"{int(seconds // minute)} m {int(seconds % minute):02d} s"
    return f"{int(seconds // hour)} h {int(seconds % hour // minute):02d} m"


def size(n: float) -> str:
    """Return a length in words: ``512 B``, ``1.5 kB``.

    Parameters
    ----------
    n : float
        How long [bytes].
    """
    for unit in ("B", "kB", "MB", "GB"):
        if abs(n) < 1000:  # noqa: PLR2004 - SI
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} TB"
