"""The feeds about people: donors, employees and patients."""

from lakehouse.table import DATE, FLAG, INSTANT, INT, NUMBER, TEXT, Feed, Field

DONORS = Feed(
    name="donors",
    grain="a donor",
    key=("donor_id",),
    fields=(
        Field("donor_id", TEXT, "id of the donor at the source", required=True, pii=True),
        Field("unique_id", TEXT, "second id of the donor at the source", pii=True),
        Field("name", TEXT, "full name", pii=True),
        Field("birthdate", DATE, "date of birth", pii=True),
        Field("age", INT, "years, as sent; often wrong, never used", pii=True),
        Field("sex", TEXT, "Male or Female"),
        Field("ethnicity", TEXT, "as the donor states it"),
        Field("blood_type", TEXT, "ABO/RhD spelled out (O positive); unknown for first-timers"),
        Field("first_donation_date", DATE, "first donation ever, as sent"),
        Field("last_donation_date", DATE, "last donation, as sent"),
        Field("total_donations", INT, "donations ever, as sent"),
        Field("address", TEXT, "street address", pii=True),
        Field("city", TEXT, "city", pii=True),
        Field("state", TEXT, "state"),
        Field("postal_code", TEXT, "postal code", pii=True),
        Field("phone", TEXT, "telephone", pii=True),
        Field("email", TEXT, "e-mail", pii=True),
        Field("region", TEXT, "region of the service"),
        Field("registered_at", INSTANT, "when the donor registered"),
        Field("is_contactable", FLAG, "false when the donor asked not to be called"),
        Field("deceased_on", DATE, "day of death"),
    ),
    happens_at="registered_at",
)

EMPLOYEES = Feed(
    name="employees",
    grain="a member of staff",
    key=("employee_id",),
    fields=(
        Field("employee_id", TEXT, "id of the employee at the source", required=True, pii=True),
        Field("name", TEXT, "full name", pii=True),
        Field("hire_date", DATE, "first day of work"),
        Field("role", TEXT, "what the employee does"),
        Field("region", TEXT, "region of the service"),
    ),
)

PATIENTS = Feed(
    name="patients",
    grain="an admission of a patient",
    key=("admission_id", "patient_id", "admission_date"),
    fields=(
        Field("patient_id", TEXT, "id of the person at the source", required=True, pii=True),
        Field("admission_date", DATE, "day of admission, local to the hospital", required=True),
        Field("bag_id", TEXT, "bag given to the patient, as CrimsonCache sends it"),
        Field("admission_id", TEXT, "id of the admission; the key where it is sent", pii=True),
        Field("hospital", TEXT, "name of the hospital"),
        Field("NPI", TEXT, "National Provider Identifier of the hospital"),
        Field("sex", TEXT, "Male or Female"),
        Field("birth_year", INT, "year of birth"),
        Field("blood_type", TEXT, "the patient's group, spelled out"),
        Field("service", TEXT, "ward or service"),
        Field("discharged_on", DATE, "day of discharge"),
        Field("died_on", DATE, "day of death"),
    ),
    happens_at="admission_date",
)

EVENT_EMPLOYEES = Feed(
    name="event_employees",
    grain="an employee at a donation event",
    key=("event_id", "employee_id"),
    fields=(
        Field("event_id", TEXT, "the donation event", required=True),
        Field("employee_id", TEXT, "the employee", required=True, pii=True),
        Field("hours", NUMBER, "hours worked at the event"),
    ),
)

PEOPLE = (DONORS, EMPLOYEES, PATIENTS, EVENT_EMPLOYEES)

__all__ = ["DONORS", "EMPLOYEES", "EVENT_EMPLOYEES", "PATIENTS", "PEOPLE"]
