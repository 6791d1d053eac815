"""Kinds of facilities and components that several rules mean together."""

CENTRES = ("collection", "processing", "hub")
"""Kinds of facilities of the blood service itself."""
RED_CELLS = ("red_cells", "whole_blood")
"""Components that are given for their red cells."""
