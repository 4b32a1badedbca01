import numpy as np


def get_alphas():
    # from weak to strong
    return np.arange(0.0, 0.5, 0.05)
