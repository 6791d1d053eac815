"""`make gate-score`: what the lake finds of faults that were planted, and what it finds besides."""
