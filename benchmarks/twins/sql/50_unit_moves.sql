-- A row is a change of a unit's place or standing, from its coming in to its end or the as-of day.
create table lives as
with ends as (
    select
        u.*,
        u.state not in ('in_process', 'quarantined', 'available', 'reserved', 'in_transit') as has_ended,
        u.state in ('presumed_outdated', 'fate_unknown') as is_presumed
    from units u
)
select
    e.unit_id,
    e.component,
    coalesce(e.abo_rhd, 'unknown') as abo_rhd,
    e.doses,
    e.is_imported,
    e.collected_at,
    e.prepared_at,
    e.prepared_on,
    e.expires_at,
    e.made_at_facility_id,
    coalesce(p.timezone, 'UTC') as zone,
    e.reactive_at,
    e.disputed_at,
    case when e.has_ended then e.state end as end_state,
    case
        when e.has_ended
        then least(
            greatest(
                coalesce(case when e.is_presumed then e.ended_on + presumed_outdated_days() else e.ended_on end, as_of()),
                e.prepared_on
            ),
            as_of()
        )
    end as left_on,
    not e.has_ended or e.ended_on is not null as is_dated,
    case when not e.is_presumed then e.ended_at end as ended_at,
    e.ended_at_facility_id
from ends e
left join places p on p.facility_id = e.made_at_facility_id;

create table moments as
with recorded as (
    select
        unit_id, 'shipped' as what, left_on as on_day, moment, 3 as rank, record_key, latest_at, is_issue, kind,
        struct_pack(
            moment := moment, record_key := record_key, from_facility_id := from_facility_id,
            to_facility_id := to_facility_id, arrived_at := arrived_at, arrived_on := arrived_on
        ) as moved,
        null as step
    from movements
    where unit_id is not null
    union all
    select unit_id, 'received', arrived_on, arrived_at, 4, record_key, latest_at, is_issue, null, null, null
    from movements
    where unit_id is not null and arrived_on > left_on
    union all
    select
        unit_id, what, happened_on, moment, rank, record_key, latest_at, false, null, null,
        struct_pack(moment := moment, rank := rank, record_key := record_key, what := what, facility_id := facility_id)
    from events
),
told as (
    select
        unit_id,
        unnest([
            struct_pack(what := 'made', phase := 0, on_day := prepared_on, moment := prepared_at),
            struct_pack(
                what := 'reactive', phase := 1,
                on_day := case when reactive_at is not null then least(local_date(reactive_at, zone), as_of()) end,
                moment := reactive_at
            ),
            struct_pack(
                what := 'disputed', phase := 1,
                on_day := case when disputed_at is not null then least(local_date(disputed_at, zone), as_of()) end,
                moment := disputed_at
            ),
            struct_pack(what := 'expired', phase := 4, on_day := local_date(expires_at, zone) - 1, moment := expires_at),
            struct_pack(what := 'expired', phase := 4, on_day := local_date(expires_at, zone), moment := expires_at),
            struct_pack(what := 'expired', phase := 4, on_day := local_date(expires_at, zone) + 1, moment := expires_at),
            struct_pack(what := 'found', phase := 2, on_day := left_on, moment := ended_at),
            struct_pack(what := 'ended', phase := 3, on_day := left_on, moment := ended_at)
        ]) as told
    from lives
),
every as (
    select unit_id, what, 1 as phase, on_day, moment, rank, record_key, latest_at, is_issue, kind, moved, step
    from recorded
    where on_day <= as_of()
    union all
    select distinct unit_id, 'made_of', -1, null::date, null::timestamptz, null, null, null::timestamptz, false, null, null, null
    from makings
    union all
    select
        unit_id, told.what, told.phase, told.on_day, told.moment, null, null, null::timestamptz, false, null, null, null
    from told
    where told.on_day is not null
)
select
    l.*,
    e.* exclude (unit_id, on_day),
    greatest(e.on_day, l.prepared_on) as on_day,
    row_number() over (
        partition by l.unit_id
        order by greatest(e.on_day, l.prepared_on), e.phase, e.moment nulls first, e.rank nulls first, e.record_key nulls first
    ) as number
from every e
join lives l on l.unit_id = e.unit_id
where not is_before_collection(e.latest_at, l.collected_at)
    and not coalesce(l.end_state = 'exported' and e.what = 'shipped' and e.kind = 'export', false)
    and greatest(e.on_day, l.prepared_on) <= coalesce(l.left_on, as_of())
    and (
        e.what <> 'expired'
        or not (coalesce(l.left_on <= greatest(e.on_day, l.prepared_on), false) or not l.is_dated)
    );

create table stood as
with so_far as (
    select
        *,
        max(moved) over past as last_moved,
        max(step) filter (what = 'received') over past as receipt,
        max(step) filter (what in ('quarantined', 'recalled', 'quarantine_lifted')) over past as hold,
        max(step) filter (what in ('reserved', 'unreserved')) over past as reservation,
        min(moment) filter (what = 'released') over past as released_at,
        min(moment) filter (what = 'shipped' and is_issue) over past as issued_at,
        bool_or(what = 'reactive') over past as is_reactive,
        bool_or(what = 'disputed') over past as is_disputed,
        max(on_day) filter (phase <= 1) over past as known_on,
        bool_or(what = 'shipped' and kind = 'import') over past as has_come,
        bool_or(what = 'shipped' and kind = 'import') over (partition by unit_id) as comes
    from moments
    window past as (partition by unit_id order by number rows between unbounded preceding and current row)
),
arrivals as (
    select
        *,
        coalesce(receipt.moment >= last_moved.moment, false) as is_received,
        coalesce(last_moved.arrived_on <= on_day and last_moved.arrived_at is not null, false) as has_arrived,
        what in ('found', 'ended') as is_over
    from so_far
    where coalesce(has_come, false) or not (is_imported and coalesce(comes, false))
),
placed as (
    select
        *,
        last_moved is not null and not is_received and not has_arrived and not is_over as is_moving,
        case
            when is_over then ended_at_facility_id
            when last_moved is null then coalesce(receipt.facility_id, made_at_facility_id)
            when is_received then coalesce(receipt.facility_id, last_moved.to_facility_id, made_at_facility_id)
            when has_arrived then coalesce(last_moved.to_facility_id, made_at_facility_id)
            else coalesce(last_moved.from_facility_id, receipt.facility_id, made_at_facility_id)
        end as place_id
    from arrivals
),
standing as (
    select
        p.*,
        last_day_of(p.expires_at, coalesce(z.timezone, 'UTC')) as last_day,
        case
            when is_moving then 'in_transit'
            when coalesce(hold.what <> 'quarantine_lifted', false) or is_reactive or is_disputed then 'quarantined'
            when reservation.what = 'reserved' and not coalesce(last_moved.moment > reservation.moment, false) then 'reserved'
            when released_at is not null or issued_at is not null or is_imported then 'available'
            else 'in_process'
        end as standing
    from placed p
    left join places z on z.facility_id = p.place_id
)
select
    *,
    case when what <> 'ended' then case when is_moving then 'in_transit' else coalesce(place_id, 'unknown') end end
        as to_facility_id,
    case
        when what = 'ended' then null
        when standing <> 'in_transit'
            and coalesce(last_day < on_day or (last_day = on_day and what = 'expired'), false)
        then 'expired'
        else standing
    end as to_standing
from standing;

create table unit_moves as
with followed as (
    select
        *,
        row_number() over life = 1 as is_first,
        lag(to_facility_id) over life as was_at,
        lag(to_standing) over life as was
    from stood
    window life as (partition by unit_id order by number)
),
changed as (
    select *
    from followed
    where is_first or to_facility_id is distinct from was_at or to_standing is distinct from was
)
select
    unit_id,
    cast(row_number() over (partition by unit_id order by number) as integer) as move_number,
    case when what in ('found', 'ended') and not is_dated then known_on else on_day end as moved_on,
    moment as moved_at,
    not (what in ('found', 'ended') and not is_dated) as is_dated,
    case
        when is_first then case
            when is_imported then 'imported' when what = 'made_of' then 'converted_in' else 'produced'
        end
        when what = 'ended' then end_state
        else what
    end as why,
    was_at as from_facility_id,
    was as from_standing,
    to_facility_id,
    to_standing,
    component,
    abo_rhd,
    doses
from changed;
