-- Notes which statement made or last changed an object. The statement's number is in a setting of
-- the session; the role that writes can do nothing else.
create role scratch_recorder nologin;
create schema scratch_record authorization scratch_recorder;
create table scratch_record.events (
    n bigint generated always as identity, at integer, classid oid, objid oid, subid integer, tag text
);
create table scratch_record.columns (relid oid, attnum smallint, at integer, primary key (relid, attnum));
create table scratch_record.constraints (oid oid primary key, at integer);
create table scratch_record.security (relid oid primary key, enabled boolean, at integer);
alter table scratch_record.events owner to scratch_recorder;
alter table scratch_record.columns owner to scratch_recorder;
alter table scratch_record.constraints owner to scratch_recorder;
alter table scratch_record.security owner to scratch_recorder;

create function scratch_record.note() returns event_trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    here integer := coalesce(nullif(current_setting('scratch.at', true), ''), '0')::integer;
    made record;
begin
    for made in select * from pg_event_trigger_ddl_commands() loop
        insert into scratch_record.events (at, classid, objid, subid, tag)
        values (here, made.classid, made.objid, made.objsubid, made.command_tag);
        if made.classid = 'pg_class'::regclass and made.command_tag in ('CREATE TABLE', 'ALTER TABLE', 'CREATE TABLE AS') then
            insert into scratch_record.columns
            select attrelid, attnum, here from pg_attribute
            where attrelid = made.objid and attnum > 0 and not attisdropped
            on conflict do nothing;
            insert into scratch_record.constraints
            select oid, here from pg_constraint where conrelid = made.objid
            on conflict do nothing;
            insert into scratch_record.security as known
            select oid, relrowsecurity, here from pg_class where oid = made.objid
            on conflict (relid) do update set enabled = excluded.enabled, at = excluded.at
            where known.enabled is distinct from excluded.enabled;
        end if;
    end loop;
exception when others then
    null;
end $$;
alter function scratch_record.note() owner to scratch_recorder;
grant usage on schema scratch_record to scratch_recorder;
create event trigger scratch_record on ddl_command_end execute function scratch_record.note();
