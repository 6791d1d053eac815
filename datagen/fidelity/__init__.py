"""Fidelity: what the generator makes, beside published figures."""
