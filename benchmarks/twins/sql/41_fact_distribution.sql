-- A row is a movement that left by the end of the as-of day. The dimensions and their keys are given.
create table fact_distribution as
with stations as (
    select unit_id, record_key, moment, 3 as rank, 'shipped' as what from movements where unit_id is not null
    union all
    select unit_id, record_key, moment, 4, 'received' from events where what = 'received'
),
followed as (
    select record_key, what, case when lead(what) over life = 'received' then lead(moment) over life end as next_in
    from stations
    window life as (partition by unit_id order by moment, rank, record_key)
),
ended as (
    select
        m.*,
        u.component,
        u.product_code,
        u.abo_rhd,
        coalesce(m.from_facility_id, u.made_at_facility_id, 'unknown') as origin,
        coalesce(m.to_facility_id, u.made_at_facility_id, 'unknown') as goal,
        n.next_in,
        coalesce(u.is_assumed, m.kind is null) as is_at_once
    from movements m
    left join units u on u.unit_id = m.unit_id
    left join followed n on n.what = 'shipped' and n.record_key = m.record_key
    where coalesce(m.left_on, as_of()) <= as_of()
),
arrived as (
    select
        e.*,
        coalesce(
            e.arrived_on,
            local_date(e.next_in, coalesce(p.timezone, 'UTC')),
            case when e.is_at_once then e.left_on end
        ) as came_on
    from ended e
    left join places p on p.facility_id = e.goal
)
select
    a.record_key as distribution_id,
    coalesce(f.facility_sk, -1) as from_facility_sk,
    coalesce(t.facility_sk, -1) as to_facility_sk,
    coalesce(p.product_sk, -1) as product_sk,
    coalesce(date_sk(a.left_on), -1) as left_date_sk,
    coalesce(date_sk(case when a.came_on <= as_of() then a.came_on end), -1) as arrived_date_sk,
    a.unit_id,
    a.request_id,
    a.kind,
    coalesce(a.abo_rhd, 'unknown') as abo_rhd,
    a.is_issue
from arrived a
left join dim_facility f on f.facility_sk <> -1 and f.facility_id = a.origin
left join dim_facility t on t.facility_sk <> -1 and t.facility_id = a.goal
left join dim_product p
    on p.product_sk <> -1
    and p.component = coalesce(a.component, 'unknown')
    and p.product_code = coalesce(a.product_code, 'unknown');
