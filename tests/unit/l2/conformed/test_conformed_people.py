"""Donors, patients, employees: small in, small out."""

from datetime import date

LEAP_DAY = date(2024, 2, 29)


def values(frame, *names):
    return [tuple(row) for row in frame.select(*names).collect()]


def test_a_donor_keeps_what_does_not_identify(conformed):
    found = conformed(
        "donors",
        {
            "donor_id": "D1",
            "name": "Ada",
            "birthdate": "1980-05-06",
            "age": 12,
            "sex": "Female",
            "blood_type": "A negative",
            "postal_code": " 90210",
            "state": "CA",
        },
        {"donor_id": "D2", "blood_type": "unknown", "postal_code": None},
    )
    assert values(found, "donor_key", "sex", "birth_year", "abo_rhd", "postal_area", "state") == [
        ("<D1>", "Female", 1980, "A-", "902", "CA"),
        ("<D2>", None, None, None, None, None),
    ]


def test_ages_of_90_and_more_share_a_band(conformed):
    births = ["1934-12-31", "1934-01-01", "1933-12-31", "1901-06-01", "1935-01-01"]
    found = conformed("donors", *[{"donor_id": born, "birthdate": born} for born in births])
    # Delivered in 2024: 1934 is the year of those who turn 90.
    assert [year for (year,) in values(found, "birth_year")] == [1934, 1934, 1934, 1934, 1935]


def test_the_band_moves_with_the_record_not_with_the_clock(conformed):
    old = {"donor_id": "D1", "birthdate": "1901-06-01"}
    found = conformed("donors", {**old, "recorded_at": "2019-12-31 23:00"}, {**old, "recorded_at": "2020-01-01 00:00"})
    assert values(found, "birth_year") == [(1929,), (1930,)]


def test_an_admission_without_id_is_known_by_patient_and_day(conformed):
    stay = {"patient_id": "P1", "admission_date": "2024-02-29", "birth_year": 1920, "blood_type": "O positive"}
    found = conformed("patients", stay, {**stay, "admission_id": "A9", "NPI": "1234567893"})
    assert values(found, "admission_key", "patient_key", "admitted_on", "npi", "birth_year", "abo_rhd") == [
        ("<P1|2024-02-29>", "<P1>", LEAP_DAY, None, 1934, "O+"),
        ("<A9>", "<P1>", LEAP_DAY, "1234567893", 1934, "O+"),
    ]


def test_employees_and_their_events_share_a_key(conformed):
    person = conformed("employees", {"employee_id": "E1", "name": "Bo", "hire_date": "2020-01-02", "role": "nurse"})
    shift = conformed("event_employees", {"event_id": "V1", "employee_id": "E1", "hours": 7.5})
    assert values(person.selectExpr("*", "cast(hired_on AS string) AS day"), "employee_key", "day", "role") == [
        ("<E1>", "2020-01-02", "nurse")
    ]
    assert values(shift, "event_id", "employee_key", "hours") == [("V1", "<E1>", 7.5)]
