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
create function net._await_response(request_id bigint) returns boolean language sql as 'select true';
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

-- extension: pgsodium in pgsodium
create function crypto_secretbox_keygen() returns bytea language sql as 'select pg_catalog.sha256(''k'')';
create function randombytes_buf(size integer) returns bytea language sql as
    'select pg_catalog.substr(pg_catalog.sha512(pg_catalog.random()::text::bytea), 1, size)';
create function crypto_aead_det_encrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea default null)
    returns bytea language sql as 'select message';
create function crypto_aead_det_decrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea default null)
    returns bytea language sql as 'select message';
create table key (id uuid primary key default gen_random_uuid(), name text unique,
    status text default 'valid', created timestamptz default now(), expires timestamptz);
create view valid_key as select * from key where status = 'valid';
create function create_key(name text default null) returns key language sql as
    'insert into pgsodium.key (name) values (create_key.name) returning *';
create function crypto_aead_det_noncegen() returns bytea language sql as 'select pg_catalog.sha256(''n'')';

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
-- extension: pgmq
create schema pgmq;
create type pgmq.message_record as (msg_id bigint, read_ct integer, enqueued_at timestamptz, vt timestamptz, message jsonb);
create type pgmq.queue_record as (queue_name text, is_partitioned boolean, is_unlogged boolean, created_at timestamptz);
create type pgmq.metrics_result as (queue_name text, queue_length bigint, newest_msg_age_sec integer, oldest_msg_age_sec integer, total_messages bigint, scrape_time timestamptz, queue_visible_length bigint);
create table pgmq.meta (queue_name text unique not null, is_partitioned boolean not null default false, is_unlogged boolean not null default false, created_at timestamptz not null default now());
create function pgmq."create"(queue_name text) returns void language plpgsql as
    'begin execute pg_catalog.format(''create table if not exists pgmq.%I (msg_id bigint primary key generated always as identity, read_ct integer not null default 0, enqueued_at timestamptz not null default now(), vt timestamptz not null default now(), message jsonb, headers jsonb)'', ''q_'' || queue_name);
     execute pg_catalog.format(''create table if not exists pgmq.%I (msg_id bigint primary key, read_ct integer not null default 0, enqueued_at timestamptz not null default now(), archived_at timestamptz not null default now(), vt timestamptz, message jsonb, headers jsonb)'', ''a_'' || queue_name);
     insert into pgmq.meta (queue_name) values (queue_name) on conflict do nothing; end';
create function pgmq.create_non_partitioned(queue_name text) returns void language sql as 'select pgmq."create"(queue_name)';
create function pgmq.create_unlogged(queue_name text) returns void language sql as 'select pgmq."create"(queue_name)';
create function pgmq.create_partitioned(queue_name text, partition_interval text default '10000', retention_interval text default '100000') returns void language sql as 'select pgmq."create"(queue_name)';
create function pgmq.send(queue_name text, msg jsonb, delay integer default 0) returns setof bigint language sql as 'select 1::bigint';
create function pgmq.send(queue_name text, msg jsonb, delay timestamptz) returns setof bigint language sql as 'select 1::bigint';
create function pgmq.send(queue_name text, msg jsonb, headers jsonb) returns setof bigint language sql as 'select 1::bigint';
create function pgmq.send(queue_name text, msg jsonb, headers jsonb, delay integer) returns setof bigint language sql as 'select 1::bigint';
create function pgmq.send_batch(queue_name text, msgs jsonb[], delay integer default 0) returns setof bigint language sql as 'select 1::bigint';
create function pgmq.send_batch(queue_name text, msgs jsonb[], delay timestamptz) returns setof bigint language sql as 'select 1::bigint';
create function pgmq.read(queue_name text, vt integer, qty integer, conditional jsonb default '{}') returns setof pgmq.message_record language sql as 'select null::pgmq.message_record where false';
create function pgmq.read_with_poll(queue_name text, vt integer, qty integer, max_poll_seconds integer default 5, poll_interval_ms integer default 100, conditional jsonb default '{}') returns setof pgmq.message_record language sql as 'select null::pgmq.message_record where false';
create function pgmq.pop(queue_name text) returns setof pgmq.message_record language sql as 'select null::pgmq.message_record where false';
create function pgmq.set_vt(queue_name text, msg_id bigint, vt integer) returns setof pgmq.message_record language sql as 'select null::pgmq.message_record where false';
create function pgmq.delete(queue_name text, msg_id bigint) returns boolean language sql as 'select true';
create function pgmq.delete(queue_name text, msg_ids bigint[]) returns setof bigint language sql as 'select pg_catalog.unnest(msg_ids)';
create function pgmq.archive(queue_name text, msg_id bigint) returns boolean language sql as 'select true';
create function pgmq.archive(queue_name text, msg_ids bigint[]) returns setof bigint language sql as 'select pg_catalog.unnest(msg_ids)';
create function pgmq.purge_queue(queue_name text) returns bigint language sql as 'select 0::bigint';
create function pgmq.detach_archive(queue_name text) returns void language sql as 'select';
create function pgmq.drop_queue(queue_name text) returns boolean language plpgsql as
    'begin execute pg_catalog.format(''drop table if exists pgmq.%I, pgmq.%I'', ''q_'' || $1, ''a_'' || $1);
     delete from pgmq.meta m where m.queue_name = $1; return found; end';
create function pgmq.drop_queue(queue_name text, partitioned boolean) returns boolean language sql as 'select pgmq.drop_queue(queue_name)';
create function pgmq.list_queues() returns setof pgmq.queue_record language sql as 'select queue_name, is_partitioned, is_unlogged, created_at from pgmq.meta';
create function pgmq.metrics(queue_name text) returns pgmq.metrics_result language sql as 'select null::pgmq.metrics_result';
create function pgmq.metrics_all() returns setof pgmq.metrics_result language sql as 'select null::pgmq.metrics_result where false';
grant usage, create on schema pgmq to postgres;
grant all on all tables in schema pgmq to postgres;

-- extension: postgis
-- A shape is kept as the text that it was given as; nothing is reckoned.
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
create domain box2d as text;
create domain box3d as text;
create table spatial_ref_sys (srid integer primary key, auth_name varchar(256), auth_srid integer, srtext varchar(2048), proj4text varchar(2048));
insert into spatial_ref_sys (srid, auth_name, auth_srid) values (4326, 'EPSG', 4326), (3857, 'EPSG', 3857);
create view geometry_columns as select null::text as f_table_schema, null::text as f_table_name, null::text as f_geometry_column, 2 as coord_dimension, 4326 as srid, null::text as type where false;
create view geography_columns as select null::text as f_table_schema, null::text as f_table_name, null::text as f_geography_column, 2 as coord_dimension, 4326 as srid, null::text as type where false;
do $do$
declare shape text; part text; name text; kind text[];
begin
    foreach shape in array '{geometry,geography}'::text[] loop
        foreach part in array array[
            'text|%1$s|st_astext st_asewkt st_geohash st_askml st_assvg st_summary st_geometrytype geometrytype st_isvalidreason st_asgml',
            'text|%1$s, integer|st_astext st_asgeojson st_geohash',
            'text|%1$s, integer, integer|st_asgeojson',
            'bytea|%1$s|st_asbinary st_asewkb st_astwkb',
            'float8|%1$s|st_x st_y st_z st_m st_xmin st_xmax st_ymin st_ymax st_area st_length st_perimeter',
            'float8|%1$s, boolean|st_area st_length st_perimeter',
            'float8|%1$s, %1$s|st_distance st_distancesphere st_distancespheroid st_hausdorffdistance st_maxdistance st_azimuth st_linelocatepoint st_3ddistance',
            'float8|%1$s, %1$s, boolean|st_distance',
            'integer|%1$s|st_srid st_npoints st_numpoints st_numgeometries st_dimension st_ndims st_numinteriorrings',
            'boolean|%1$s|st_isvalid st_isempty st_issimple st_isclosed st_isring',
            'boolean|%1$s, %1$s|st_contains st_containsproperly st_within st_covers st_coveredby st_intersects st_touches st_overlaps st_crosses st_equals st_disjoint',
            'boolean|%1$s, %1$s, float8|st_dwithin st_dfullywithin',
            'boolean|%1$s, %1$s, float8, boolean|st_dwithin',
            '%1$s|%1$s|st_makevalid st_multi st_envelope st_boundary st_convexhull st_centroid st_pointonsurface st_flipcoordinates st_force2d st_force3d st_forcerhr st_startpoint st_endpoint st_linemerge st_unaryunion st_exteriorring st_reverse st_normalize st_makepolygon st_points st_buildarea',
            '%1$s|%1$s, integer|st_setsrid st_transform st_geometryn st_pointn st_interiorringn',
            '%1$s|%1$s, float8|st_buffer st_simplify st_simplifypreservetopology st_snaptogrid st_segmentize st_expand st_lineinterpolatepoint st_concavehull st_reduceprecision',
            '%1$s|%1$s, float8, text|st_buffer',
            '%1$s|%1$s, float8, integer|st_buffer',
            '%1$s|%1$s, float8, float8|st_project st_translate st_scale st_linesubstring',
            '%1$s|%1$s, %1$s|st_union st_intersection st_difference st_symdifference st_closestpoint st_shortestline st_longestline st_collect st_makeline st_split'
        ] loop
            kind := string_to_array(format(part, shape), '|');
            foreach name in array string_to_array(kind[3], ' ') loop
                execute format('create function %s(%s) returns %s language sql immutable as %L', name, kind[2], kind[1],
                    case when kind[1] = shape then 'select $1' else 'select null::' || kind[1] end);
            end loop;
        end loop;
        execute format('create function st_asgeojson(%s) returns text language sql immutable as %L', shape, 'select ''{}''::text');
        foreach name in array '{&&,@,~,~=,<<,>>,&<,&>}'::text[] loop
            execute format('create operator %s (function = st_intersects, leftarg = %s, rightarg = %2$s)', name, shape);
        end loop;
        foreach name in array '{<->,<#>,|=|}'::text[] loop
            execute format('create operator %s (function = st_distance, leftarg = %s, rightarg = %2$s)', name, shape);
        end loop;
        -- What pg_trgm does to a text makes an index that can be built and that no query uses.
        begin
            execute format('create type %s_key', shape);
            foreach part in array array[
                '%1$s_key_in(cstring) returns %1$s_key language c strict|in',
                '%1$s_key_out(%1$s_key) returns cstring language c strict|out',
                '',
                '%1$s_consistent(internal, %1$s, smallint, oid, internal) returns boolean language c|consistent',
                '%1$s_compress(internal) returns internal language c|compress',
                '%1$s_penalty(internal, internal, internal) returns internal language c strict|penalty',
                '%1$s_picksplit(internal, internal) returns internal language c|picksplit',
                '%1$s_union(internal, internal) returns %1$s_key language c|union',
                '%1$s_same(%1$s_key, %1$s_key, internal) returns internal language c|same'
            ] loop
                if part = '' then
                    execute format('create type %1$s_key (internallength = variable, input = %1$s_key_in, output = %1$s_key_out)', shape);
                else
                    kind := string_to_array(format(part, shape), '|');
                    execute format('create function %s as %L, %L', kind[1], '$libdir/pg_trgm', 'gtrgm_' || kind[2]);
                end if;
            end loop;
            execute format('create operator class gist_%1$s_ops default for type %1$s using gist as'
                ' function 1 %1$s_consistent(internal, %1$s, smallint, oid, internal),'
                ' function 2 %1$s_union(internal, internal), function 3 %1$s_compress(internal),'
                ' function 5 %1$s_penalty(internal, internal, internal),'
                ' function 6 %1$s_picksplit(internal, internal),'
                ' function 7 %1$s_same(%1$s_key, %1$s_key, internal), storage %1$s_key', shape);
        exception when undefined_file or undefined_function then
            null;
        end;
    end loop;
    foreach name in array '{st_geomfromtext,st_geomfromewkt,st_geometryfromtext,st_geomfromkml,st_linefromtext,st_pointfromtext,st_polygonfromtext}'::text[] loop
        execute format('create function %s(text) returns geometry language sql immutable as %L', name, 'select $1::@extschema@.geometry');
        execute format('create function %s(text, integer) returns geometry language sql immutable as %L', name, 'select $1::@extschema@.geometry');
    end loop;
    foreach name in array '{st_union,st_collect,st_makeline,st_polygonize,st_extent}'::text[] loop
        execute format('create aggregate %s(geometry) (sfunc = st_collect, stype = geometry)', name);
    end loop;
end $do$;
create function st_makepoint(float8, float8) returns geometry language sql immutable as 'select (''POINT('' || $1 || '' '' || $2 || '')'')::text::@extschema@.geometry';
create function st_makepoint(float8, float8, float8) returns geometry language sql immutable as 'select @extschema@.st_makepoint($1, $2)';
create function st_point(float8, float8) returns geometry language sql immutable as 'select @extschema@.st_makepoint($1, $2)';
create function st_point(float8, float8, integer) returns geometry language sql immutable as 'select @extschema@.st_makepoint($1, $2)';
create function st_geogfromtext(text) returns geography language sql immutable as 'select $1::@extschema@.geography';
create function st_geographyfromtext(text) returns geography language sql immutable as 'select $1::@extschema@.geography';
create function st_geomfromgeojson(text) returns geometry language sql immutable as 'select $1::@extschema@.geometry';
create function st_geomfromgeojson(json) returns geometry language sql immutable as 'select $1::text::@extschema@.geometry';
create function st_geomfromgeojson(jsonb) returns geometry language sql immutable as 'select $1::text::@extschema@.geometry';
create function st_geomfromwkb(bytea, integer default 0) returns geometry language sql immutable as 'select ''''::text::@extschema@.geometry';
create function st_geomfromewkb(bytea) returns geometry language sql immutable as 'select ''''::text::@extschema@.geometry';
create function st_makeenvelope(float8, float8, float8, float8, integer default 0) returns geometry language sql immutable as 'select ''''::text::@extschema@.geometry';
create function st_tileenvelope(integer, integer, integer) returns geometry language sql immutable as 'select ''''::text::@extschema@.geometry';
create function st_asmvtgeom(geometry, geometry, integer default 4096, integer default 256, boolean default true) returns geometry language sql immutable as 'select $1';
create function st_dump(geometry) returns table (path integer[], geom geometry) language sql immutable as 'select array[1], $1';
create function postgis_version() returns text language sql immutable as 'select ''3.3''::text';
create function postgis_full_version() returns text language sql immutable as 'select ''3.3''::text';
create function postgis_lib_version() returns text language sql immutable as 'select ''3.3''::text';

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
-- extension: pg_stat_statements
create view pg_stat_statements as
    select 0::oid as userid, 0::oid as dbid, true as toplevel, 0::bigint as queryid, ''::text as query,
        0::bigint as plans, 0::float8 as total_plan_time, 0::bigint as calls, 0::float8 as total_exec_time,
        0::float8 as min_exec_time, 0::float8 as max_exec_time, 0::float8 as mean_exec_time,
        0::float8 as stddev_exec_time, 0::bigint as rows, 0::bigint as shared_blks_hit,
        0::bigint as shared_blks_read, 0::bigint as shared_blks_dirtied, 0::bigint as shared_blks_written,
        0::bigint as local_blks_hit, 0::bigint as local_blks_read, 0::bigint as temp_blks_read,
        0::bigint as temp_blks_written, 0::float8 as blk_read_time, 0::float8 as blk_write_time,
        0::bigint as wal_records, 0::numeric as wal_bytes where false;
create view pg_stat_statements_info as select 0::bigint as dealloc, now() as stats_reset;
create function pg_stat_statements_reset(userid oid default 0, dbid oid default 0, queryid bigint default 0)
    returns void language sql as 'select';
-- extension: postgres_fdw
create foreign data wrapper postgres_fdw;
grant usage on foreign data wrapper postgres_fdw to postgres;
-- extension: wrappers
-- Without a handler: their servers and tables can be made, and not read.
do $$
declare name text;
begin
    foreach name in array '{airtable,auth0,bigquery,clickhouse,cognito,firebase,iceberg,logflare,mssql,notion,redis,s3,stripe,wasm}'::text[] loop
        execute format('create foreign data wrapper %I', name || '_wrapper');
        execute format('grant usage on foreign data wrapper %I to postgres', name || '_wrapper');
    end loop;
end $$;
-- extension: plv8
create trusted language plv8 handler plpgsql_call_handler;
-- extension: postgis_topology in topology
create table topology (id serial primary key, name varchar unique, srid integer, precision float8, hasz boolean);
-- extension: postgis_tiger_geocoder in tiger
select 1;
-- extension: address_standardizer
select 1;
-- extension: address_standardizer_data_us
select 1;
-- extension: adminpack
select 1;
-- extension: file_fdw
select 1;
-- extension: old_snapshot
select 1;
-- extension: pageinspect
select 1;
-- extension: pg_buffercache
select 1;
-- extension: pg_freespacemap
select 1;
-- extension: pg_partman
select 1;
-- extension: pg_prewarm
select 1;
-- extension: pg_repack
select 1;
-- extension: pg_stat_monitor
select 1;
-- extension: pg_surgery
select 1;
-- extension: pg_tle
select 1;
-- extension: pg_visibility
select 1;
-- extension: pg_walinspect
select 1;
-- extension: pgroonga
select 1;
-- extension: pgroonga_database
select 1;
-- extension: pgrouting
select 1;
-- extension: pgtap
select 1;
-- extension: postgis_raster
select 1;
-- extension: postgis_sfcgal
select 1;
-- extension: rum
select 1;
-- extension: sslinfo
select 1;
-- extension: xml2
select 1;
