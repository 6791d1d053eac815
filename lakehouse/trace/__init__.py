"""Look-back on a release: from a donor, a donation, a unit, a patient, a lot or a case to all that hangs on it.

Everything is found by keys, in steps of small sets: no table is joined with another.
"""
