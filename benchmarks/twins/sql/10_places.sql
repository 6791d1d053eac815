-- A row is a facility; a hospital without a record of its own is one, by its NPI.
create table places as
select
    f.facility_id,
    f.npi,
    f.kind,
    coalesce(f.region, h.region) as region,
    coalesce(f.timezone, 'UTC') as timezone
from facilities f
left join hospitals h on f.npi = h.npi
union all
select h.npi, h.npi, 'hospital', h.region, 'UTC'
from hospitals h
where h.npi not in (select npi from facilities where npi is not null);

-- A row is an NPI, with the first facility that has it.
create table hospital_of_npi as
select coalesce(npi, facility_id) as npi, min(facility_id) as hospital_id
from places
group by 1;
