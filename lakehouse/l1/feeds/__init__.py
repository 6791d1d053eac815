"""The feeds: every kind of delivery that the lake takes, declared once."""

from lakehouse.l1.feeds.collection import COLLECTION
from lakehouse.l1.feeds.people import PEOPLE
from lakehouse.l1.feeds.places import PLACES
from lakehouse.l1.feeds.processing import PROCESSING
from lakehouse.l1.feeds.supply import SUPPLY
from lakehouse.table import Feed

FEEDS: dict[str, Feed] = {feed.name: feed for feed in PEOPLE + PLACES + COLLECTION + PROCESSING + SUPPLY}
