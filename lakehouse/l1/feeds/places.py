"""The feeds about places: facilities of every kind, and hospitals as CrimsonCache sends them."""

from lakehouse.table import INT, NUMBER, TEXT, Feed, Field

FACILITIES = Feed(
    name="facilities",
    grain="a facility of the supply chain",
    key=("facility_id",),
    fields=(
        Field("facility_id", TEXT, "id of the facility", required=True),
        Field("kind", TEXT, "collection, processing, hub, hospital or external", required=True),
        Field("name", TEXT, "name of the facility"),
        Field("NPI", TEXT, "National Provider Identifier, for hospitals"),
        Field("region", TEXT, "region of the service"),
        Field("timezone", TEXT, "IANA time zone: the facility's day is counted in it", required=True),
        Field("latitude", NUMBER, "degrees north"),
        Field("longitude", NUMBER, "degrees east"),
    ),
)

HOSPITALS = Feed(
    name="hospitals",
    grain="a hospital",
    key=("NPI",),
    fields=(
        Field("NPI", TEXT, "National Provider Identifier", required=True),
        Field("address", TEXT, "postal address of the hospital", pii=True),
        Field("tel", TEXT, "telephone", pii=True),
        Field("POC", TEXT, "point of contact, a person", pii=True),
        Field("name", TEXT, "name of the hospital"),
        Field("region", TEXT, "region of the service"),
        Field("latitude", NUMBER, "degrees north"),
        Field("longitude", NUMBER, "degrees east"),
        Field("beds", INT, "staffed beds"),
        Field("level", TEXT, "trauma level or size class"),
    ),
)

PLACES = (FACILITIES, HOSPITALS)
