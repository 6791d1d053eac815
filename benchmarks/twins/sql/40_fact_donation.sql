-- A row is a donation up to the as-of day. The dimensions and their keys are given.
create table fact_donation as
with seen as (
    select d.* exclude (donated_on), t.donated_on, coalesce(t.donated_on, as_of()) as day
    from donations d
    join dated t on t.donation_key = d.donation_key
    where coalesce(t.donated_on, as_of()) <= as_of()
)
select
    s.donation_key,
    coalesce(v.donor_sk, -1) as donor_sk,
    coalesce(e.event_sk, -1) as event_sk,
    coalesce(date_sk(s.donated_on), -1) as date_sk,
    s.donor_key,
    s.procedure,
    s.donation_type,
    s.outcome,
    s.volume_ml,
    s.red_cell_units,
    s.platelet_doses,
    s.plasma_units
from seen s
left join dim_donor v
    on v.donor_sk <> -1
    and v.donor_key = s.donor_key
    and s.day <= v.valid_to
    and (s.day >= v.valid_from or v.version = 1)
left join dim_event e on e.event_sk <> -1 and e.event_id = s.event_id;
