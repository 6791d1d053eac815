-- A row is a donation with its day, its instant and the zone of its session's facility.
create table dated as
with located as (
    select
        d.*,
        coalesce(p.timezone, 'UTC') as zone,
        case when d.is_assumed_date or d.donated_on is null then coalesce(d.collected_at, e.starts_at) end as by_instant
    from donations d
    left join donation_events e on e.event_id = d.event_id
    left join places p on p.facility_id = e.facility_id
),
days as (
    select * replace (coalesce(local_date(by_instant, zone), donated_on) as donated_on)
    from located
)
select
    donation_key,
    din,
    bag_id,
    donor_key,
    donated_on,
    coalesce(collected_at, by_instant, start_of_day(donated_on, zone)) as collected_at,
    zone,
    test_result,
    case when test_result is not null then coalesce(tested_on, donated_on + 1) end as tested_on
from days;

-- A row is a name that a record may call a donation by; a bag that several donations have is none for a component.
create table donation_names as
with bags as (
    select bag_id from dated where bag_id is not null group by bag_id having count(*) > 1
)
select din as reference, donation_key, bag_id, zone, collected_at, false as is_shared
from dated
where din is not null
union all
select bag_id, donation_key, bag_id, zone, collected_at, bag_id in (select bag_id from bags)
from dated
where bag_id is not null and bag_id is distinct from din;
