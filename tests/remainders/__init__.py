"""Every kernel at every remainder of its tiles, its operands against pages that cannot be touched."""
