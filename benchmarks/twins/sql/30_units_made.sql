-- Which units there are, and what their donation and the units they were made of give them. A row is a unit.
create table born as
select
    c.unit_id,
    n.donation_key,
    n.bag_id,
    coalesce(c.din, c.bag_id) is not null
        and n.donation_key is null
        and not coalesce(c.is_imported, false) as is_waiting,
    c.component,
    c.abo_rhd as label_abo_rhd,
    c.product_code,
    c.doses,
    coalesce(c.is_imported, false) as is_imported,
    c.collected_at,
    c.prepared_at,
    local_date(c.prepared_at, coalesce(p.timezone, 'UTC')) as prepared_on,
    case
        when is_said_by_day(c.date_only, 'expires_at')
        then end_of_days(cast(c.expires_at at time zone 'UTC' as date), coalesce(p.timezone, 'UTC'))
        else c.expires_at
    end as label_expires_at,
    c.facility_id as made_at_facility_id,
    coalesce(p.timezone, 'UTC') as zone,
    c.warnings as record_warnings,
    c.anticoagulant,
    c.additive,
    c.storage,
    c.plasma_kind,
    c.irradiated_at,
    coalesce(c.is_pathogen_reduced, false) as is_pathogen_reduced,
    coalesce(c.is_washed, false) as is_washed
from components c
left join places p on p.facility_id = c.facility_id
left join donation_names n on n.reference = coalesce(c.din, c.bag_id) and not n.is_shared
where local_date(c.prepared_at, coalesce(p.timezone, 'UTC')) <= as_of();

-- A row is a donation with results: the first final result of each marker, and what was found.
create table donation_tests as
with results as (
    select
        n.donation_key,
        t.test_id,
        t.marker,
        t.result,
        t.abo_rhd,
        case when is_final_result(t.is_final, t.stage, t.result) then t.resulted_at end as final_at
    from test_results t
    join donation_names n on n.reference = coalesce(t.din, t.bag_id)
    where t.unit_id is null
        and local_date(t.resulted_at, n.zone) <= as_of()
        and not is_before_collection(t.resulted_at, n.collected_at)
),
by_marker as (
    select
        donation_key,
        marker,
        min(final_at) as first_final_at,
        min(final_at) filter (result = 'reactive' and is_infectious(marker)) as reactive_at,
        max((final_at, test_id, abo_rhd)) filter (final_at is not null and abo_rhd is not null) as typed
    from results
    group by donation_key, marker
)
select
    donation_key,
    case
        when count(*) filter (marker in required_markers() and first_final_at is not null) = len(required_markers())
            and bool_and(first_final_at is not null)
        then max(first_final_at)
    end as tests_done_at,
    min(reactive_at) as tests_reactive_at,
    max(typed) as typed
from by_marker
group by donation_key;

create table donated_units as
select
    b.* exclude (collected_at),
    coalesce(b.collected_at, d.collected_at) as collected_at,
    d.donor_key,
    coalesce(t.tests_done_at, f.flagged_at) as tested_at,
    coalesce(t.tests_reactive_at, case when not d.test_result then f.flagged_at end) as reactive_at,
    t.typed[3] as typed_abo_rhd,
    t.typed[1] as typed_at,
    o.abo_rhd as donor_abo_rhd
from born b
left join dated d on d.donation_key = b.donation_key
left join donation_tests t on t.donation_key = b.donation_key
left join donors o on o.donor_key = d.donor_key
left join lateral (
    select
        case when t.donation_key is null and d.tested_on <= as_of() then start_of_day(d.tested_on, d.zone) end
            as flagged_at
) f on true;
