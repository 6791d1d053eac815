"""What demand and supply are foreseen for, and how far ahead."""

SERIES = ("region", "component", "abo_rhd")
DAYS_AHEAD = 28
