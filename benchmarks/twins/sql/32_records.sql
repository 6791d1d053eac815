-- Records about units, timed and placed. A row is a record.
create table movements as
with named as (
    select
        d.distribution_id as record_key,
        coalesce(d.unit_id, b.bag_unit_id) as unit_id,
        d.npi,
        d.kind,
        d.request_id,
        coalesce(
            d.from_facility_id, case when d.kind = 'return' then coalesce(h.hospital_id, d.npi) end
        ) as from_facility_id,
        coalesce(
            d.to_facility_id,
            case when d.kind is distinct from 'return' then coalesce(h.hospital_id, d.npi) end
        ) as to_facility_id,
        d.received_at as arrived_at,
        coalesce(d.shipped_at, d.distributed_at) as moment,
        case
            when d.shipped_at is null then d.is_date_only else is_said_by_day(d.date_only, 'shipped_at')
        end as is_date_only,
        is_said_by_day(d.date_only, 'received_at') as is_arrival_date_only
    from distribution d
    left join units_of_bags b on d.unit_id is null and b.bag_id = d.bag_id
    left join hospital_of_npi h on h.npi = d.npi
),
placed as (
    select
        n.*,
        coalesce(f.timezone, t.timezone) as zone,
        t.timezone as to_zone,
        coalesce(
            n.kind is distinct from 'return' and (t.kind = 'hospital' or n.kind = 'issue' or n.npi is not null),
            false
        ) as is_issue
    from named n
    left join places f on f.facility_id = n.from_facility_id
    left join places t on t.facility_id = n.to_facility_id
),
days as (
    select
        *,
        event_date(moment, is_date_only, coalesce(zone, 'UTC')) as left_on,
        event_date(arrived_at, is_arrival_date_only, coalesce(to_zone, zone, 'UTC')) as arrived_on
    from placed
)
select
    * exclude (moment, arrived_at),
    case when is_date_only then start_of_day(left_on, coalesce(zone, 'UTC')) else moment end as moment,
    case when is_date_only then end_of_day(left_on, coalesce(zone, 'UTC')) else moment end as latest_at,
    case
        when is_arrival_date_only then start_of_day(arrived_on, coalesce(to_zone, zone, 'UTC')) else arrived_at
    end as arrived_at
from days;

create table events as
with days as (
    select
        e.unit_event_id as record_key,
        e.unit_id,
        e.kind as what,
        e.facility_id,
        e.patient_key,
        e.request_id,
        e.happened_at as moment,
        e.is_date_only,
        coalesce(p.timezone, 'UTC') as zone,
        event_date(e.happened_at, e.is_date_only, coalesce(p.timezone, 'UTC')) as happened_on
    from unit_events e
    left join places p on p.facility_id = e.facility_id
)
select
    record_key,
    unit_id,
    what,
    case
        when what in ('released', 'quarantine_lifted', 'unreserved') then 1
        when what in ('quarantined', 'recalled', 'reserved') then 2
        else 4
    end as rank,
    facility_id,
    patient_key,
    request_id,
    happened_on,
    case when is_date_only then start_of_day(happened_on, zone) else moment end as moment,
    case when is_date_only then end_of_day(happened_on, zone) else moment end as latest_at
from days;

create table ends as
with replaced as (
    select d.disposition_id
    from dispositions d
    join dispositions r on r.replaces_disposition_id = d.disposition_id
    where r.disposition_id <> d.disposition_id
        and d.replaces_disposition_id is distinct from r.disposition_id
)
select
    d.disposition_id as record_key,
    d.unit_id,
    d.kind,
    d.facility_id,
    d.patient_key,
    d.is_date_only,
    p.timezone as zone,
    (d._order_at, d._batch_seq, d._file_id, d._line) as recorded,
    event_date(d.happened_at, d.is_date_only, coalesce(p.timezone, 'UTC')) as ended_on,
    case
        when d.is_date_only
        then start_of_day(cast(d.happened_at at time zone 'UTC' as date), coalesce(p.timezone, 'UTC'))
        else d.happened_at
    end as moment,
    case
        when d.is_date_only
        then end_of_day(cast(d.happened_at at time zone 'UTC' as date), coalesce(p.timezone, 'UTC'))
        else d.happened_at
    end as latest_at,
    d.disposition_id in (select disposition_id from replaced) as is_replaced
from dispositions d
left join places p on p.facility_id = d.facility_id;
