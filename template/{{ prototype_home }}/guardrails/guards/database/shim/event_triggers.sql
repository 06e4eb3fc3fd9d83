-- Event triggers of the project's own role, which Supabase allows and PostgreSQL keeps to
-- superusers. What is run is a copy that belongs to nobody who could change it and has the rights
-- of the role `postgres` only, also when the script of an extension fires it as a superuser.
create role scratch_event_trigger nologin noinherit bypassrls;
grant postgres to scratch_event_trigger with inherit true, set false;
create schema scratch_events;
grant usage on schema scratch_events to public;

create procedure scratch_events.make(name text, event text, tags text[], runs regprocedure)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    copied text;
    found pg_proc;
begin
    select * into found from pg_proc where oid = runs;
    if found.prorettype <> 'event_trigger'::regtype
        or found.prolang <> (select oid from pg_language where lanname = 'plpgsql') then
        raise exception 'function % must return type event_trigger', runs
            using errcode = 'invalid_object_definition';
    end if;
    select 'f' || count(*) into copied from pg_proc where pronamespace = 'scratch_events'::regnamespace;
    execute format('create function scratch_events.%I() returns event_trigger language plpgsql'
        ' security definer as %L', copied, found.prosrc);
    execute format('alter function scratch_events.%I() owner to scratch_event_trigger', copied);
    update pg_proc set proconfig = found.proconfig
    where proname = copied and pronamespace = 'scratch_events'::regnamespace;
    execute format('create event trigger %I on %s %s execute function scratch_events.%I()', name,
        case event when 'ddl_command_start' then event when 'sql_drop' then event
            when 'table_rewrite' then event else 'ddl_command_end' end,
        (select 'when tag in (' || string_agg(quote_literal(tag), ', ') || ')' from unnest(tags) tag),
        copied);
    -- Its owner may switch it off, on and drop it, as there.
    update pg_event_trigger set evtowner = 'postgres'::regrole where evtname = name;
end $$;

create procedure scratch_events.disable()
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    name text;
begin
    for name in
        select evtname from pg_event_trigger t join pg_proc p on p.oid = t.evtfoid
        where p.pronamespace = 'scratch_events'::regnamespace
    loop
        execute format('alter event trigger %I disable', name);
    end loop;
end $$;
