"""What `python -m checks bytes` is made of: formats, what a reader may do, damage, the coverage-guided fuzzer."""
