"""Labelled faults: what goes wrong with deliveries, planted on purpose, with a manifest of what was planted where."""
