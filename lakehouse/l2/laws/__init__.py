"""Conservation laws: what must add up between the tables of a release, whatever the data.

A law counts both sides by different ways and gives rows (law, left, right, difference). The inputs are named as the
frames of `pipeline` are; conformed ones with withdrawn rows hidden.
"""

from lakehouse.l2.laws import (
    dimensional,
    donors,
    forecasts,
    inventory,
    look_backs,
    restatements,
    scorecards,
    stock,
    units,
)
from lakehouse.l2.laws.law import Law

LAWS: tuple[Law, ...] = (
    *units.LAWS,
    *stock.LAWS,
    *inventory.LAWS,
    *forecasts.LAWS,
    *donors.LAWS,
    *look_backs.LAWS,
    *scorecards.LAWS,
    *restatements.LAWS,
    *dimensional.LAWS,
)
