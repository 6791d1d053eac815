-- What units have from those that they were made of, up to eight makings back, and their dating. A row is a unit.
create table makings as
select unit_id, parent_unit_id, kind, made_at
from unit_parents
where cast(made_at at time zone 'UTC' as date) <= as_of() + 1;

create table forebears as
with recursive found as (
    select unit_id, parent_unit_id as ancestor_id, kind, 1 as generation
    from makings
    union all
    select f.unit_id, m.parent_unit_id, f.kind, f.generation + 1
    from found f
    join makings m on m.unit_id = f.ancestor_id
    where f.generation < 8
)
select * from found;

create table reactive_cultures as
with oldest as (
    select f.unit_id, min(u.collected_at) as collected_at
    from forebears f
    join donated_units u on u.unit_id = f.ancestor_id
    group by f.unit_id
)
select t.unit_id, min(t.resulted_at) as cultured_at
from test_results t
join donated_units u on u.unit_id = t.unit_id
left join oldest o on o.unit_id = t.unit_id
where is_final_result(t.is_final, t.stage, t.result)
    and is_infectious(t.marker)
    and t.result = 'reactive'
    and cast(t.resulted_at at time zone 'UTC' as date) <= as_of()
    and not is_before_collection(t.resulted_at, coalesce(u.collected_at, o.collected_at))
group by t.unit_id;

create table inherited as
select
    f.unit_id,
    bool_or(f.generation = 1 and f.kind = 'pooled') as is_pool,
    bool_or(u.is_imported) as is_of_import,
    min(u.collected_at) as collected_at,
    case
        when not bool_or((u.unit_id is null or u.donation_key is not null) and u.tested_at is null)
        then max(u.tested_at)
    end as tested_at,
    min(least(u.reactive_at, c.cultured_at)) as reactive_at,
    list_sort(list(distinct f.ancestor_id) filter (f.generation = 1)) as parent_unit_ids,
    min(u.label_expires_at) filter (f.generation = 1 and f.kind in ('pooled', 'divided')) as parent_expires_at
from forebears f
left join donated_units u on u.unit_id = f.ancestor_id
left join reactive_cultures c on c.unit_id = f.ancestor_id
group by f.unit_id;

create table made_units as
with known as (
    select
        u.* exclude (collected_at, tested_at, reactive_at, is_waiting),
        coalesce(i.is_pool, false) as is_pool,
        coalesce(i.parent_unit_ids, []) as parent_unit_ids,
        u.is_waiting and not coalesce(i.is_of_import, false) as is_waiting,
        coalesce(u.collected_at, i.collected_at) as collected_at,
        coalesce(u.tested_at, case when u.donation_key is null then i.tested_at end) as tested_at,
        least(u.reactive_at, i.reactive_at) as reactive_at,
        i.parent_expires_at,
        u.additive in ('as1', 'as3', 'as5', 'as7') as is_additive,
        u.anticoagulant in ('acd', 'cpd', 'cp2d') as is_plain
    from donated_units u
    left join inherited i on i.unit_id = u.unit_id
),
periods as (
    select
        *,
        -- h, d, y: hours, days, years; of collection unless of preparation (p)
        case component
            when 'red_cells' then case
                when is_washed then '24hp'
                when storage = 'frozen' then '10y'
                when storage = 'thawed' and is_additive then '14dp'
                when storage = 'thawed' then '24hp'
                when is_additive then '42d'
                when anticoagulant = 'cpda1' then '35d'
                when is_plain then '21d'
            end
            when 'whole_blood' then case when anticoagulant = 'cpda1' then '35d' when is_plain then '21d' end
            when 'platelets' then case when storage = 'room' then '5d' end
            when 'plasma' then case
                when storage = 'thawed' then '5dp'
                when storage = 'liquid' and anticoagulant = 'cpda1' then '40d'
                when storage = 'liquid' and is_plain then '26d'
                when storage = 'frozen' and plasma_kind in ('ffp', 'pf24', 'pf24rt24', 'cryo_reduced') then '1y'
                when storage = 'frozen' then '5y'
            end
            when 'cryoprecipitate' then case
                when storage = 'frozen' then '1y'
                when storage not in ('thawed', 'room') then null
                when is_pathogen_reduced and prepared_at >= timestamptz '2020-11-24 00:00:00+00' then '5dp'
                when is_pool then '4hp'
                else '6hp'
            end
        end as period
    from known
),
counted as (
    select
        *,
        cast(regexp_extract(period, '^[0-9]+') as integer) as number,
        case when period like '%p' then prepared_at else collected_at end as counts_from
    from periods
),
dated_units as (
    select
        *,
        case
            when period like '%h%' then counts_from + to_hours(number)
            when period like '%d%' then end_of_days(local_date(counts_from, zone) + number, zone)
            when period like '%y%' then end_of_days(cast(local_date(counts_from, zone) + to_years(number) as date), zone)
        end as own_expires_at,
        case
            when component = 'red_cells' and irradiated_at is not null
            then end_of_days(local_date(irradiated_at, zone) + 28, zone)
        end as irradiated_expires_at
    from counted
)
select
    * exclude (is_additive, is_plain, period, number, counts_from, own_expires_at, irradiated_expires_at),
    case
        when own_expires_at is not null then least(own_expires_at, irradiated_expires_at, parent_expires_at)
    end as computed_expires_at,
    coalesce(label_abo_rhd <> typed_abo_rhd, false) as is_label_disputed
from dated_units;

-- A row is a bag that means one unit.
create table units_of_bags as
select bag_id, min(unit_id) as bag_unit_id
from born
where bag_id is not null
group by bag_id
having count(*) = 1;
