"""The simulated blood service: one region, day by day, written as landing files.

`python -m datagen history …` starts a world and writes its first days, `python -m datagen day …` goes on by
one day. All constants, with their sources, are in `plan.toml`.
"""
