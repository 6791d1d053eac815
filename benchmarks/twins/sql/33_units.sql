-- What happened to each unit by the end of the as-of day, and the state that follows. A row is a unit.
-- A greatest struct decides: its instant first, then its rank, then the record's id.
create table last_moves as
select
    u.unit_id,
    max(struct_pack(
        moment := m.moment, record_key := m.record_key, from_facility_id := m.from_facility_id,
        to_facility_id := m.to_facility_id, arrived_at := m.arrived_at, arrived_on := m.arrived_on,
        kind := m.kind, left_on := m.left_on, zone := m.zone, is_date_only := m.is_date_only
    )) as moved,
    min(m.moment) filter (m.is_issue) as issued_at,
    max(m.arrived_at) filter (m.arrived_on <= as_of()) as arrived_at,
    max(struct_pack(moment := m.moment, rank := 3, record_key := m.record_key, request_id := m.request_id))
        filter (m.request_id is not null) as ordered
from movements m
join made_units u on u.unit_id = m.unit_id
where m.left_on <= as_of() and not is_before_collection(m.latest_at, u.collected_at)
group by u.unit_id;

create table last_events as
select
    u.unit_id,
    max(struct_pack(moment := e.moment, record_key := e.record_key, facility_id := e.facility_id))
        filter (e.what = 'received') as receipt,
    max(struct_pack(moment := e.moment, rank := e.rank, record_key := e.record_key, what := e.what))
        filter (e.what in ('quarantined', 'recalled', 'quarantine_lifted')) as hold,
    max(struct_pack(
        moment := e.moment, rank := e.rank, record_key := e.record_key, what := e.what, patient_key := e.patient_key
    )) filter (e.what in ('reserved', 'unreserved')) as reservation,
    min(e.moment) filter (e.what = 'released') as released_at,
    max(struct_pack(moment := e.moment, rank := e.rank, record_key := e.record_key, request_id := e.request_id))
        filter (e.request_id is not null) as ordered
from events e
join made_units u on u.unit_id = e.unit_id
where e.happened_on <= as_of() and not is_before_collection(e.latest_at, u.collected_at)
group by u.unit_id;

create table last_ends as
select
    u.unit_id,
    max(struct_pack(
        recorded := e.recorded, moment := e.moment, record_key := e.record_key, kind := e.kind, ended_on := e.ended_on,
        zone := e.zone, is_date_only := e.is_date_only, facility_id := e.facility_id, patient_key := e.patient_key
    )) as disposition
from ends e
join made_units u on u.unit_id = e.unit_id
where not e.is_replaced and e.ended_on <= as_of() and not is_before_collection(e.latest_at, u.collected_at)
group by u.unit_id;

create table consumptions as
select
    u.unit_id,
    max(struct_pack(
        moment := m.made_at, record_key := concat_ws('|', m.unit_id, m.parent_unit_id),
        on_day := local_date(m.made_at, coalesce(p.timezone, 'UTC')), zone := p.timezone, facility_id := m.facility_id
    )) as consumption
from unit_parents m
join made_units u on u.unit_id = m.parent_unit_id
left join places p on p.facility_id = m.facility_id
where local_date(m.made_at, coalesce(p.timezone, 'UTC')) <= as_of()
    and not is_before_collection(m.made_at, u.collected_at)
group by u.unit_id;

create table cultures as
select u.unit_id, min(t.resulted_at) as cultured_at
from test_results t
join made_units u on u.unit_id = t.unit_id
where is_final_result(t.is_final, t.stage, t.result)
    and is_infectious(t.marker)
    and t.result = 'reactive'
    and cast(t.resulted_at at time zone 'UTC' as date) <= as_of()
    and not is_before_collection(t.resulted_at, u.collected_at)
group by u.unit_id;

create table placed_units as
with known as (
    select
        u.*,
        m.moved,
        m.issued_at,
        m.arrived_at,
        e.receipt,
        e.hold,
        e.reservation,
        e.released_at,
        d.disposition,
        c.consumption,
        case
            when m.ordered is null then e.ordered
            when e.ordered is null then m.ordered
            else greatest(m.ordered, e.ordered)
        end as ordered,
        least(u.reactive_at, t.cultured_at) as out_at,
        coalesce(e.receipt.moment >= m.moved.moment, false) as is_received,
        coalesce(m.moved.arrived_on <= as_of() and m.moved.arrived_at is not null, false) as has_arrived
    from made_units u
    left join last_moves m on m.unit_id = u.unit_id
    left join last_events e on e.unit_id = u.unit_id
    left join last_ends d on d.unit_id = u.unit_id
    left join consumptions c on c.unit_id = u.unit_id
    left join cultures t on t.unit_id = u.unit_id
)
select
    *,
    moved is not null and not is_received and not has_arrived as is_moving,
    case
        when moved is null then coalesce(receipt.facility_id, made_at_facility_id)
        when is_received then coalesce(receipt.facility_id, moved.to_facility_id, made_at_facility_id)
        when has_arrived then coalesce(moved.to_facility_id, made_at_facility_id)
        else coalesce(moved.from_facility_id, receipt.facility_id, made_at_facility_id)
    end as place_id
from known;

create table units as
with reporting as (
    select distinct facility_id from ends where ended_on <= as_of() and facility_id is not null
),
told as (
    select
        u.*,
        coalesce(label_expires_at, computed_expires_at) as expires_at,
        last_day_of(coalesce(label_expires_at, computed_expires_at), coalesce(p.timezone, zone)) as expires_on,
        reservation.what = 'reserved' and not coalesce(moved.moment > reservation.moment, false) as is_reserved,
        r.facility_id is not null as is_reporting
    from placed_units u
    left join reporting r on r.facility_id = u.place_id
    left join places p on p.facility_id = u.place_id
),
ended as (
    select
        *,
        case
            when disposition is not null then 'disposition'
            when consumption is not null then 'consumption'
            when moved.kind = 'export' then 'export'
            when expires_on + presumed_outdated_days() <= as_of() then 'presumed'
        end as end_by
    from told
),
closed as (
    select
        *,
        case end_by
            when 'disposition' then disposition.kind
            when 'consumption' then 'consumed'
            when 'export' then 'exported'
            when 'presumed' then case when is_reporting then 'presumed_outdated' else 'fate_unknown' end
        end as end_state,
        case end_by
            when 'disposition' then disposition.moment
            when 'consumption' then consumption.moment
            when 'export' then moved.moment
            when 'presumed' then expires_at
        end as ended_at,
        case end_by
            when 'disposition' then case
                when disposition.zone is null and not disposition.is_date_only then local_date(disposition.moment, zone)
                else disposition.ended_on
            end
            when 'consumption' then case
                when consumption.zone is null then local_date(consumption.moment, zone) else consumption.on_day
            end
            when 'export' then case
                when moved.zone is null and not moved.is_date_only then local_date(moved.moment, zone) else moved.left_on
            end
            when 'presumed' then expires_on
        end as ended_on,
        case end_by
            when 'disposition' then coalesce(disposition.facility_id, place_id)
            when 'consumption' then coalesce(consumption.facility_id, place_id)
            when 'export' then coalesce(moved.from_facility_id, place_id)
            when 'presumed' then place_id
        end as ended_at_facility_id
    from ended
),
stated as (
    select
        *,
        case
            when end_by is not null then end_state
            when is_moving then 'in_transit'
            when coalesce(hold.what <> 'quarantine_lifted', false) or out_at is not null or is_label_disputed
            then 'quarantined'
            when is_reserved then 'reserved'
            when released_at is not null or issued_at is not null or is_imported then 'available'
            else 'in_process'
        end as state,
        coalesce(ended_at_facility_id, place_id) as facility_id,
        end_by is null and coalesce(is_reserved, false) as has_reservation,
        label_expires_at > computed_expires_at
            and not coalesce(
                component = 'platelets'
                    and local_date(label_expires_at, zone) <= local_date(collected_at, zone) + 7,
                false
            ) as is_late
    from closed
)
select
    s.unit_id,
    s.donation_key,
    s.donor_key,
    s.component,
    coalesce(s.label_abo_rhd, s.typed_abo_rhd, s.donor_abo_rhd) as abo_rhd,
    s.product_code,
    s.doses,
    s.is_imported,
    false as is_assumed,
    s.is_pool,
    s.parent_unit_ids,
    s.collected_at,
    s.prepared_at,
    s.prepared_on,
    s.expires_at,
    s.computed_expires_at,
    s.made_at_facility_id,
    s.facility_id,
    p.region,
    p.kind as facility_kind,
    s.state,
    s.state in ('in_process', 'quarantined', 'available', 'reserved') as is_on_hand,
    s.tested_at,
    s.out_at is not null as is_reactive,
    s.out_at as reactive_at,
    case when s.is_label_disputed then s.typed_at end as disputed_at,
    s.released_at,
    s.issued_at,
    greatest(s.arrived_at, s.receipt.moment) as received_at,
    case when s.has_reservation then s.reservation.moment end as reserved_at,
    s.ended_at,
    s.ended_on,
    s.ended_at_facility_id,
    coalesce(
        case when s.end_by = 'disposition' then s.disposition.patient_key end,
        case when s.has_reservation then s.reservation.patient_key end
    ) as patient_key,
    s.ordered.request_id as request_id,
    list_sort(list_concat(
        coalesce(s.record_warnings, []),
        list_filter(
            [
                case when s.is_late then 'units.expires_at.later_than_dating' end,
                case when s.is_label_disputed then 'units.abo_rhd.label_disagrees_with_test' end,
                case when s.is_waiting then 'units.donation_key.waiting' end
            ],
            lambda warning: warning is not null
        )
    )) as warnings
from stated s
left join places p on p.facility_id = s.facility_id;
