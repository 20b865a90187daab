"""`python -m tinygrad_cnn script.py args...`: see `tinygrad_cnn.compat`."""

import sys

from tinygrad_cnn.compat.runner import main

if __name__ == "__main__":
    main(sys.argv[1:])
