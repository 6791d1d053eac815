"""Refresh by slices: which units a run touches, what they are made of, and tables cut down to that.

A day's records touch a day's units. A derivative that is told by units is built from inputs cut down to those that are
touched and their families, by the same build as always, and only the touched units' rows are written anew.
"""
