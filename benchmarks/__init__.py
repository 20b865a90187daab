"""Measurements of tinygrad_cnn against other libraries: `python -m benchmarks --help`."""
