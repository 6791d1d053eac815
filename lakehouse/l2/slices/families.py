"""Families: units and donations that call each other by one name, a din or a bag, whichever record says so.

What a record means can depend on its family alone: a bag that names two donations says nothing about which is meant,
and a record that names a bag is about the one unit of that bag. A row of links is a member and a name that it has.
"""

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.l2.conformed.changes import DONATION, UNIT
from lakehouse.l2.kept import kept_for_unions

MEMBER = ("kind", "id")


@dataclass(frozen=True)
class Family:
    """Members (kind, id) and names (reference) that lead to nothing further."""

    members: DataFrame
    names: DataFrame

    def with_members(self, more: DataFrame) -> "Family":
        """The same with more members, each once."""
        return Family(kept_for_unions(self.members.union(more).distinct()), self.names)

    def ids(self, kind: str, name: str) -> DataFrame:
        """The members of one kind, as the column `name`."""
        return self.members.where(F.col("kind") == kind).select(F.col("id").alias(name))


def members(rows: DataFrame, kind: str, column: str) -> DataFrame:
    """The members that a column tells, each once."""
    return rows.select(F.lit(kind).alias("kind"), F.col(column).alias("id")).where(F.col("id").isNotNull()).distinct()


def family_links(components: list[DataFrame], donations: list[DataFrame]) -> DataFrame:
    """Links of units and donations to their din and bag, each once; a donation may stand for a unit of its own key.

    Args:
        components: unit_id, din and bag_id, in as many versions as count.
        donations: donation_key, din and bag_id, likewise.
    """
    units = [_links(rows, UNIT, "unit_id") for rows in components]
    given = [_links(rows, kind, "donation_key") for rows in donations for kind in (DONATION, UNIT)]
    return kept_for_unions(reduce(DataFrame.unionByName, [*units, *given]).distinct())


def _links(rows: DataFrame, kind: str, key: str) -> DataFrame:
    # A unit that is assumed goes by its donation's key, which may be all that the donation has.
    known = ("din", "bag_id", *(["donation_key"] if key == "donation_key" else []))
    names = F.explode(F.array_distinct(F.array_compact(F.array(*known))))
    return rows.select(F.lit(kind).alias("kind"), F.col(key).alias("id"), names.alias("reference"))


def family_of(start: DataFrame, names: DataFrame, links: DataFrame) -> Family:
    """All that belongs to some members and names, by way of whatever they share.

    Args:
        start: members, each once.
        names: references, each once.
        links: `family_links`.
    """
    known, count = kept_for_unions(start), -1
    while (reached := known.count()) > count:
        count = reached
        names = kept_for_unions(_semi(links, known, MEMBER).select("reference").union(names).distinct())
        known = kept_for_unions(_semi(links, names, ("reference",)).select(*MEMBER).union(known).distinct())
    return Family(known, names)


def _semi(links: DataFrame, few: DataFrame, on: tuple[str, ...]) -> DataFrame:
    return links.join(F.broadcast(few), on=list(on), how="left_semi")
