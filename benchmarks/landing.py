"""Landing files for benchmarks: many records of one feed, written fast and all different."""

from pathlib import Path

CLEAN = (
    '{"bag_id":"O positive-%08x","donor_id":"D%09d","event_id":"E%05d","donation_date":"2024-03-%02d",'
    '"test_date":"2024-03-29","test_result":true,"status":"available","procedure":"whole_blood",'
    '"collected_at":"2024-03-%02dT10:15:00Z","volume_ml":47%d.5,"red_cell_units":1}\n'
)
UNKNOWN = CLEAN.replace('"red_cell_units":1}', '"red_cell_units":1,"chair":"C%d","is_seated":true}')
CHUNK = 50_000


def write_donations(folder: Path, records: int, *, files: int, unknown: bool = False) -> None:
    """Write donation records below a landing folder, shared out over files."""
    day = folder / "donations" / "2024" / "03" / "31"
    day.mkdir(parents=True, exist_ok=True)
    each = records // files
    for number in range(files):
        with (day / f"donations-{number}.json").open("w") as stream:
            for start in range(number * each, (number + 1) * each, CHUNK):
                stream.writelines(_record(i, unknown) for i in range(start, min(start + CHUNK, (number + 1) * each)))


def _record(i: int, unknown: bool) -> str:
    day = i % 28 + 1
    values = (i, i % 9_999_991, i % 99_991, day, day, i % 10)
    return UNKNOWN % (*values, i % 40) if unknown else CLEAN % values
