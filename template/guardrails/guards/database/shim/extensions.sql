-- Stand-ins for extensions that migrations create and that no wheel of PostgreSQL brings. Each
-- piece is written out as an extension of its own (see shim/__init__.py). They have the right
-- names and signatures; none reaches a network, a file or a key.

-- extension: uuid-ossp
create function uuid_generate_v4() returns uuid language sql volatile as 'select pg_catalog.gen_random_uuid()';
create function uuid_generate_v1() returns uuid language sql volatile as 'select pg_catalog.gen_random_uuid()';
create function uuid_generate_v1mc() returns uuid language sql volatile as 'select pg_catalog.gen_random_uuid()';
create function uuid_generate_v3(namespace uuid, name text) returns uuid language sql immutable strict as
    'select pg_catalog.md5(namespace::text || name)::uuid';
create function uuid_generate_v5(namespace uuid, name text) returns uuid language sql immutable strict as
    'select pg_catalog.md5(namespace::text || name || ''5'')::uuid';
create function uuid_nil() returns uuid language sql immutable as
    'select ''00000000-0000-0000-0000-000000000000''::uuid';
create function uuid_ns_dns() returns uuid language sql immutable as
    'select ''6ba7b810-9dad-11d1-80b4-00c04fd430c8''::uuid';
create function uuid_ns_url() returns uuid language sql immutable as
    'select ''6ba7b811-9dad-11d1-80b4-00c04fd430c8''::uuid';

-- extension: pgcrypto
create function digest(data bytea, type text) returns bytea language sql immutable strict as
    'select case pg_catalog.lower(type) when ''md5'' then pg_catalog.decode(pg_catalog.md5(data), ''hex'')
        when ''sha224'' then pg_catalog.sha224(data) when ''sha384'' then pg_catalog.sha384(data)
        when ''sha512'' then pg_catalog.sha512(data) else pg_catalog.sha256(data) end';
create function digest(data text, type text) returns bytea language sql immutable strict as
    'select case pg_catalog.lower(type) when ''md5'' then pg_catalog.decode(pg_catalog.md5(data), ''hex'')
        when ''sha512'' then pg_catalog.sha512(pg_catalog.convert_to(data, ''utf8''))
        else pg_catalog.sha256(pg_catalog.convert_to(data, ''utf8'')) end';
create function hmac(data bytea, key bytea, type text) returns bytea language sql immutable strict as
    'select pg_catalog.sha256(key || data)';
create function hmac(data text, key text, type text) returns bytea language sql immutable strict as
    'select pg_catalog.sha256(pg_catalog.convert_to(key || data, ''utf8''))';
create function gen_salt(type text) returns text language sql volatile strict as
    'select ''$2a$06$'' || pg_catalog.substr(pg_catalog.md5(pg_catalog.random()::text), 1, 22)';
create function gen_salt(type text, iter_count integer) returns text language sql volatile strict as
    'select ''$2a$06$'' || pg_catalog.substr(pg_catalog.md5(pg_catalog.random()::text), 1, 22)';
create function crypt(password text, salt text) returns text language sql immutable strict as
    'select pg_catalog.substr(salt, 1, 29) || pg_catalog.substr(pg_catalog.md5(pg_catalog.substr(salt, 1, 29) || password), 1, 31)';
create function gen_random_bytes(count integer) returns bytea language sql volatile strict as
    'select pg_catalog.substr(pg_catalog.decode(pg_catalog.string_agg(pg_catalog.replace(pg_catalog.gen_random_uuid()::text, ''-'', ''''), ''''), ''hex''), 1, count)
     from pg_catalog.generate_series(0, count / 16)';
create function gen_random_uuid() returns uuid language sql volatile as 'select pg_catalog.gen_random_uuid()';
create function encrypt(data bytea, key bytea, type text) returns bytea language sql immutable strict as 'select data';
create function decrypt(data bytea, key bytea, type text) returns bytea language sql immutable strict as 'select data';
create function encrypt_iv(data bytea, key bytea, iv bytea, type text) returns bytea language sql immutable strict as 'select data';
create function decrypt_iv(data bytea, key bytea, iv bytea, type text) returns bytea language sql immutable strict as 'select data';
create function pgp_sym_encrypt(data text, key text) returns bytea language sql volatile strict as
    'select pg_catalog.convert_to(data, ''utf8'')';
create function pgp_sym_encrypt(data text, key text, options text) returns bytea language sql volatile strict as
    'select pg_catalog.convert_to(data, ''utf8'')';
create function pgp_sym_encrypt_bytea(data bytea, key text) returns bytea language sql volatile strict as 'select data';
create function pgp_sym_decrypt(data bytea, key text) returns text language sql immutable strict as
    'select pg_catalog.convert_from(data, ''utf8'')';
create function pgp_sym_decrypt(data bytea, key text, options text) returns text language sql immutable strict as
    'select pg_catalog.convert_from(data, ''utf8'')';
create function pgp_sym_decrypt_bytea(data bytea, key text) returns bytea language sql immutable strict as 'select data';
create function armor(data bytea) returns text language sql immutable strict as
    'select pg_catalog.encode(data, ''base64'')';
create function dearmor(data text) returns bytea language sql immutable strict as
    'select pg_catalog.decode(data, ''base64'')';

-- extension: pgjwt
create function url_encode(data bytea) returns text language sql immutable as
    'select pg_catalog.translate(pg_catalog.encode(data, ''base64''), E''+/=\n'', ''-_'')';
create function url_decode(data text) returns bytea language sql immutable as
    'select pg_catalog.decode(pg_catalog.translate(data, ''-_'', ''+/''), ''base64'')';
create function algorithm_sign(signables text, secret text, algorithm text) returns text language sql immutable as
    'select pg_catalog.md5(secret || signables)';
create function sign(payload json, secret text, algorithm text default 'HS256') returns text language sql immutable as
    'select pg_catalog.md5(secret || payload::text)';
create function verify(token text, secret text, algorithm text default 'HS256')
    returns table (header json, payload json, valid boolean) language sql immutable as
    'select ''{}''::json, ''{}''::json, false';

-- extension: pg_net
create schema net;
create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create table net.http_request_queue (
    id bigserial, method text not null, url text not null, headers jsonb, body bytea,
    timeout_milliseconds integer not null);
create table net._http_response (
    id bigint, status_code integer, content_type text, headers jsonb, content text,
    timed_out boolean, error_msg text, created timestamptz not null default now());
create function net.http_get(url text, params jsonb default '{}', headers jsonb default '{}',
    timeout_milliseconds integer default 5000) returns bigint language sql as 'select 1::bigint';
create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
    headers jsonb default '{"Content-Type": "application/json"}',
    timeout_milliseconds integer default 5000) returns bigint language sql as 'select 1::bigint';
create function net.http_delete(url text, params jsonb default '{}', headers jsonb default '{}',
    timeout_milliseconds integer default 5000) returns bigint language sql as 'select 1::bigint';
create function net.http_collect_response(request_id bigint, async boolean default true)
    returns text language sql as 'select null::text';
grant usage on schema net to postgres, anon, authenticated, service_role;
grant all on all tables in schema net to postgres, anon, authenticated, service_role;

-- extension: pg_cron
create schema cron;
create table cron.job (
    jobid bigserial primary key, schedule text not null, command text not null,
    nodename text not null default 'localhost', nodeport integer not null default 5432,
    database text not null default current_database(), username text not null default current_user,
    active boolean not null default true, jobname text, unique (jobname, username));
create table cron.job_run_details (
    jobid bigint, runid bigserial primary key, job_pid integer, database text, username text,
    command text, status text, return_message text, start_time timestamptz, end_time timestamptz);
create function cron.schedule(schedule text, command text) returns bigint language sql as
    'insert into cron.job (schedule, command) values (schedule, command) returning jobid';
create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as
    'insert into cron.job (jobname, schedule, command) values (job_name, schedule, command)
     on conflict (jobname, username) do update set schedule = excluded.schedule, command = excluded.command
     returning jobid';
create function cron.schedule_in_database(job_name text, schedule text, command text, database text,
    username text default null, active boolean default true) returns bigint language sql as
    'select cron.schedule(job_name, schedule, command)';
create function cron.unschedule(job_id bigint) returns boolean language plpgsql as
    'begin delete from cron.job where jobid = job_id;
     if not found then raise exception ''could not find valid entry for job %'', job_id; end if;
     return true; end';
create function cron.unschedule(job_name text) returns boolean language plpgsql as
    'begin delete from cron.job where jobname = job_name;
     if not found then raise exception ''could not find valid entry for job ''''%'''''', job_name; end if;
     return true; end';
create function cron.alter_job(job_id bigint, schedule text default null, command text default null,
    database text default null, username text default null, active boolean default null)
    returns void language sql as
    'update cron.job j set schedule = coalesce(alter_job.schedule, j.schedule),
        command = coalesce(alter_job.command, j.command), active = coalesce(alter_job.active, j.active)
     where jobid = job_id';
grant usage on schema cron to postgres;
grant all on all tables in schema cron to postgres;
grant all on all sequences in schema cron to postgres;

-- extension: http
create domain http_method as text;
create type http_header as (field varchar, value varchar);
create type http_response as (status integer, content_type varchar, headers http_header[], content varchar);
create type http_request as (method http_method, uri varchar, headers http_header[], content_type varchar, content varchar);
create function http_header(field varchar, value varchar) returns http_header language sql as 'select $1, $2';
create function http(request http_request) returns http_response language sql as 'select null::http_response';
create function http_get(uri varchar) returns http_response language sql as 'select null::http_response';
create function http_get(uri varchar, data jsonb) returns http_response language sql as 'select null::http_response';
create function http_post(uri varchar, content varchar, content_type varchar) returns http_response language sql as 'select null::http_response';
create function http_post(uri varchar, data jsonb) returns http_response language sql as 'select null::http_response';
create function http_put(uri varchar, content varchar, content_type varchar) returns http_response language sql as 'select null::http_response';
create function http_patch(uri varchar, content varchar, content_type varchar) returns http_response language sql as 'select null::http_response';
create function http_delete(uri varchar) returns http_response language sql as 'select null::http_response';
create function http_head(uri varchar) returns http_response language sql as 'select null::http_response';
create function http_set_curlopt(curlopt varchar, value varchar) returns boolean language sql as 'select true';
create function http_reset_curlopt() returns boolean language sql as 'select true';
create function urlencode(string varchar) returns text language sql immutable as 'select string::text';
create function urlencode(data jsonb) returns text language sql immutable as 'select data::text';

-- extension: supabase_vault
select 1;

-- extension: pg_graphql
create function resolve(query text, variables jsonb default '{}', "operationName" text default null,
    extensions jsonb default null) returns jsonb language sql as 'select ''{}''::jsonb';

-- extension: pgsodium
create function crypto_secretbox_keygen() returns bytea language sql as 'select pg_catalog.sha256(''k'')';
create function randombytes_buf(size integer) returns bytea language sql as
    'select pg_catalog.substr(pg_catalog.sha512(pg_catalog.random()::text::bytea), 1, size)';
create function crypto_aead_det_encrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea default null)
    returns bytea language sql as 'select message';
create function crypto_aead_det_decrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea default null)
    returns bytea language sql as 'select message';
create table key (id uuid primary key default gen_random_uuid(), name text unique,
    status text default 'valid', created timestamptz default now(), expires timestamptz);
create function create_key(name text default null) returns key language sql as 'select null::key';

-- extension: pgaudit
select 1;
-- extension: plpgsql_check
create function plpgsql_check_function(funcoid regprocedure) returns setof text language sql as 'select null::text where false';
-- extension: pg_hashids
create function id_encode(number bigint, salt text default '', min_length integer default 0) returns text language sql immutable as 'select pg_catalog.md5(number::text || salt)';
create function id_decode(id text, salt text default '', min_length integer default 0) returns bigint[] language sql immutable as 'select array[0]::bigint[]';
-- extension: index_advisor
create function index_advisor(query text) returns table (startup_cost_before jsonb, index_statements text[], errors text[]) language sql as 'select null::jsonb, null::text[], null::text[]';
-- extension: hypopg
create function hypopg_reset() returns void language sql as 'select';
-- extension: wrappers
select 1;
-- extension: pgmq
create schema pgmq;
create type pgmq.message_record as (msg_id bigint, read_ct integer, enqueued_at timestamptz, vt timestamptz, message jsonb);
create table pgmq.meta (queue_name text unique not null, is_partitioned boolean default false, is_unlogged boolean default false, created_at timestamptz default now());
create function pgmq."create"(queue_name text) returns void language plpgsql as
    'begin execute pg_catalog.format(''create table if not exists pgmq.%I (msg_id bigint primary key generated always as identity, read_ct integer default 0, enqueued_at timestamptz default now(), vt timestamptz, message jsonb)'', ''q_'' || queue_name);
     insert into pgmq.meta (queue_name) values (queue_name) on conflict do nothing; end';
create function pgmq.send(queue_name text, msg jsonb, delay integer default 0) returns setof bigint language sql as 'select 1::bigint';
create function pgmq.read(queue_name text, vt integer, qty integer) returns setof pgmq.message_record language sql as 'select null::pgmq.message_record where false';
create function pgmq.pop(queue_name text) returns setof pgmq.message_record language sql as 'select null::pgmq.message_record where false';
create function pgmq.delete(queue_name text, msg_id bigint) returns boolean language sql as 'select true';
create function pgmq.archive(queue_name text, msg_id bigint) returns boolean language sql as 'select true';
create function pgmq.drop_queue(queue_name text) returns boolean language sql as 'select true';
grant usage, create on schema pgmq to postgres;
grant all on all tables in schema pgmq to postgres;

-- extension: postgis
create type geometry;
create function geometry_in(cstring) returns geometry language internal immutable strict parallel safe as 'textin';
create function geometry_out(geometry) returns cstring language internal immutable strict parallel safe as 'textout';
create type geometry (input = geometry_in, output = geometry_out, internallength = variable, storage = extended, alignment = int4);
create type geography;
create function geography_in(cstring) returns geography language internal immutable strict parallel safe as 'textin';
create function geography_out(geography) returns cstring language internal immutable strict parallel safe as 'textout';
create type geography (input = geography_in, output = geography_out, internallength = variable, storage = extended, alignment = int4);
create cast (geometry as text) without function as implicit;
create cast (text as geometry) without function as implicit;
create cast (geography as text) without function as implicit;
create cast (text as geography) without function as implicit;
create cast (geometry as geography) without function as implicit;
create cast (geography as geometry) without function;
create function st_makepoint(double precision, double precision) returns geometry language sql immutable as 'select (''POINT('' || $1 || '' '' || $2 || '')'')::text::@extschema@.geometry';
create function st_point(double precision, double precision) returns geometry language sql immutable as 'select (''POINT('' || $1 || '' '' || $2 || '')'')::text::@extschema@.geometry';
create function st_point(double precision, double precision, integer) returns geometry language sql immutable as 'select (''POINT('' || $1 || '' '' || $2 || '')'')::text::@extschema@.geometry';
create function st_setsrid(geometry, integer) returns geometry language sql immutable as 'select $1';
create function st_srid(geometry) returns integer language sql immutable as 'select 4326';
create function st_transform(geometry, integer) returns geometry language sql immutable as 'select $1';
create function st_geomfromtext(text) returns geometry language sql immutable as 'select $1::@extschema@.geometry';
create function st_geomfromtext(text, integer) returns geometry language sql immutable as 'select $1::@extschema@.geometry';
create function st_geogfromtext(text) returns geography language sql immutable as 'select $1::@extschema@.geography';
create function st_geographyfromtext(text) returns geography language sql immutable as 'select $1::@extschema@.geography';
create function st_geomfromgeojson(text) returns geometry language sql immutable as 'select $1::@extschema@.geometry';
create function st_geomfromgeojson(jsonb) returns geometry language sql immutable as 'select $1::text::@extschema@.geometry';
create function st_x(geometry) returns double precision language sql immutable as 'select 0::float8';
create function st_y(geometry) returns double precision language sql immutable as 'select 0::float8';
create function st_distance(geometry, geometry) returns double precision language sql immutable as 'select 0::float8';
create function st_distance(geography, geography, boolean default true) returns double precision language sql immutable as 'select 0::float8';
create function st_distancesphere(geometry, geometry) returns double precision language sql immutable as 'select 0::float8';
create function st_dwithin(geometry, geometry, double precision) returns boolean language sql immutable as 'select true';
create function st_dwithin(geography, geography, double precision, boolean default true) returns boolean language sql immutable as 'select true';
create function st_contains(geometry, geometry) returns boolean language sql immutable as 'select true';
create function st_within(geometry, geometry) returns boolean language sql immutable as 'select true';
create function st_covers(geometry, geometry) returns boolean language sql immutable as 'select true';
create function st_intersects(geometry, geometry) returns boolean language sql immutable as 'select true';
create function st_area(geometry) returns double precision language sql immutable as 'select 0::float8';
create function st_length(geometry) returns double precision language sql immutable as 'select 0::float8';
create function st_buffer(geometry, double precision) returns geometry language sql immutable as 'select $1';
create function st_centroid(geometry) returns geometry language sql immutable as 'select $1';
create function st_astext(geometry) returns text language sql immutable as 'select $1::text';
create function st_asgeojson(geometry) returns text language sql immutable as 'select $1::text';
create function st_makeenvelope(double precision, double precision, double precision, double precision, integer default 0) returns geometry language sql immutable as 'select ''''::text::@extschema@.geometry';
create function st_makeline(geometry, geometry) returns geometry language sql immutable as 'select $1';

-- extension: dblink
create function dblink(text, text) returns setof record language sql as 'select null where false';
create function dblink_connect(text) returns text language sql as 'select ''OK''::text';
create function dblink_exec(text, text) returns text language sql as 'select ''OK''::text';
create function dblink_disconnect() returns text language sql as 'select ''OK''::text';

-- extension: timescaledb
create function create_hypertable(relation regclass, time_column_name name, if_not_exists boolean default false)
    returns void language sql as 'select';
-- extension: pg_jsonschema
create function json_matches_schema(schema json, instance json) returns boolean language sql immutable as 'select true';
create function jsonb_matches_schema(schema json, instance jsonb) returns boolean language sql immutable as 'select true';
-- extension: pgroonga
select 1;
-- extension: rum
select 1;
-- extension: pgtap
select 1;
-- extension: pg_partman
select 1;
-- extension: pg_repack
select 1;
-- extension: file_fdw
select 1;
-- extension: postgres_fdw
select 1;
