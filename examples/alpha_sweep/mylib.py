"""What the training script shares with others; it lies beside the script, and travels with it."""

import numpy as np


def get_alphas():
    """Return twenty alphas from 0 to 0.95."""
    return np.arange(0.0, 1.0, 0.05).round(2)
