"""The version of the package; the core reports its own, and a test holds the two together."""

__version__ = "0.1.0"
