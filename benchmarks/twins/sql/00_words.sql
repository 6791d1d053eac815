-- Words that the twins share. as_of(), presumed_outdated_days(), history_days() and required_markers() are made before.
create macro local_date(moment, zone) as cast(moment at time zone zone as date);
create macro last_day_of(expires_at, zone) as local_date(expires_at - interval 1 microsecond, zone);
create macro start_of_day(day, zone) as cast(day as timestamp) at time zone zone;
create macro end_of_day(day, zone) as start_of_day(day + 1, zone) - interval 1 microsecond;
create macro event_date(moment, is_date_only, zone) as
    case when is_date_only then cast(moment at time zone 'UTC' as date) else local_date(moment, zone) end;
create macro is_said_by_day(date_only, name) as coalesce(list_contains(date_only, name), false);
create macro end_of_days(day, zone) as (cast(day as timestamp) + interval 1439 minutes) at time zone zone;
create macro is_before_collection(latest_at, collected_at) as
    coalesce(latest_at < collected_at - interval 24 hours, false);
create macro date_sk(day) as
    case
        when day >= date '1900-01-01' then cast(year(day) * 10000 + month(day) * 100 + day(day) as integer)
        else -1
    end;
create macro is_infectious(marker) as marker in (
    'hiv', 'hbv', 'hcv', 'htlv', 'syphilis', 'wnv', 't_cruzi', 'babesia', 'malaria', 'bacterial'
);
create macro is_final_result(told, stage, result) as
    coalesce(told, not coalesce(stage = 'screen' and result in ('reactive', 'inconclusive'), false));
