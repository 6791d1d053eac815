-- A row is a day of a shelf; what is on its way between facilities is on the shelves of in_transit.
create table shelf_days as
with moved as (
    select
        greatest(moved_on, as_of() - history_days()) as stock_on,
        coalesce(from_facility_id <> to_facility_id, false) as is_way,
        case when not is_dated then 'ended_undated' when why = 'consumed' then 'converted_out' else why end as end_flow,
        *
    from unit_moves
),
legs as (
    select
        stock_on, component, abo_rhd, doses, from_facility_id as facility_id, from_standing as standing, -1 as sign,
        case when to_facility_id is null then end_flow when is_way then 'shipped' end as flow
    from moved
    where from_facility_id is not null
    union all
    select
        stock_on, component, abo_rhd, doses, to_facility_id, to_standing, 1,
        case when from_facility_id is null then why when is_way then 'received' end
    from moved
    where to_facility_id is not null
    union all
    select stock_on, component, abo_rhd, doses, 'in_transit', 'in_transit', sign, flow
    from moved, (values (1, 'received'), (-1, 'shipped')) through (sign, flow)
    where is_way and from_facility_id <> 'in_transit' and to_facility_id <> 'in_transit'
)
select
    stock_on, facility_id, component, abo_rhd,
    count(*) filter (flow = 'produced') as produced,
    count(*) filter (flow = 'imported') as imported,
    count(*) filter (flow = 'converted_in') as converted_in,
    count(*) filter (flow = 'received') as received,
    count(*) filter (flow = 'shipped') as shipped,
    count(*) filter (flow = 'transfused') as transfused,
    count(*) filter (flow = 'outdated') as outdated,
    count(*) filter (flow = 'wasted') as wasted,
    count(*) filter (flow = 'discarded') as discarded,
    count(*) filter (flow = 'further_manufacture') as further_manufacture,
    count(*) filter (flow = 'converted_out') as converted_out,
    count(*) filter (flow = 'exported') as exported,
    count(*) filter (flow = 'research') as research,
    count(*) filter (flow = 'lost') as lost,
    count(*) filter (flow = 'presumed_outdated') as presumed_outdated,
    count(*) filter (flow = 'fate_unknown') as fate_unknown,
    count(*) filter (flow = 'ended_undated') as ended_undated,
    coalesce(sum(sign) filter (standing = 'available'), 0) as available,
    coalesce(sum(sign) filter (standing = 'reserved'), 0) as reserved,
    coalesce(sum(sign) filter (standing = 'quarantined'), 0) as quarantined,
    coalesce(sum(sign) filter (standing = 'in_process'), 0) as in_process,
    coalesce(sum(sign) filter (standing = 'expired'), 0) as expired,
    coalesce(sum(sign) filter (standing = 'in_transit'), 0) as in_transit,
    sum(sign) as change,
    sum(sign * doses) as closing_doses,
    sum(case when standing = 'available' then sign * doses when doses is not null then 0 end) as available_doses
from legs
group by stock_on, facility_id, component, abo_rhd;

create table inventory_daily as
with running as (
    select
        * replace (
            sum(available) over past as available,
            sum(reserved) over past as reserved,
            sum(quarantined) over past as quarantined,
            sum(in_process) over past as in_process,
            sum(expired) over past as expired,
            sum(in_transit) over past as in_transit,
            sum(closing_doses) over past as closing_doses,
            sum(available_doses) over past as available_doses
        ),
        sum(change) over past as closing,
        lead(stock_on) over (partition by facility_id, component, abo_rhd order by stock_on) as next_on
    from shelf_days
    window past as (
        partition by facility_id, component, abo_rhd order by stock_on rows between unbounded preceding and current row
    )
),
every as (
    select
        * exclude (stock_on),
        stock_on as moved_on,
        unnest(
            generate_series(
                stock_on::timestamp,
                (case when closing > 0 then coalesce(next_on - 1, as_of()) else stock_on end)::timestamp,
                interval 1 day
            )
        )::date as stock_on
    from running
)
select
    e.stock_on,
    e.facility_id,
    p.kind as facility_kind,
    p.region,
    e.component,
    e.abo_rhd,
    (case when e.stock_on > e.moved_on then e.closing else e.closing - e.change end)::integer as opening,
    columns(lambda name: name in (
        'produced', 'imported', 'converted_in', 'received', 'shipped', 'transfused', 'outdated', 'wasted', 'discarded',
        'further_manufacture', 'converted_out', 'exported', 'research', 'lost', 'presumed_outdated', 'fate_unknown',
        'ended_undated'
    ))::integer * (e.stock_on = e.moved_on)::integer,
    e.closing::integer as closing,
    e.available::integer as available,
    e.reserved::integer as reserved,
    e.quarantined::integer as quarantined,
    e.in_process::integer as in_process,
    e.expired::integer as expired,
    e.in_transit::integer as in_transit,
    e.closing_doses::decimal(8, 2) as closing_doses,
    e.available_doses::decimal(8, 2) as available_doses
from every e
left join places p on p.facility_id = e.facility_id
where e.stock_on > as_of() - history_days();
