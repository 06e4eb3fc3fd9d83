-- What a fresh Supabase project provides, for the replay of migrations: the names, columns and
-- grants that migrations and policies refer to. Written from Supabase's documentation; none of it
-- reaches a network or a file. It runs once, as the superuser, into a template database.

create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
create role dashboard_user nologin createdb createrole;
create role supabase_auth_admin nologin noinherit createrole;
create role supabase_storage_admin nologin noinherit createrole;
create role supabase_realtime_admin nologin noinherit;
create role supabase_functions_admin nologin noinherit createrole;
create role supabase_replication_admin nologin;
create role supabase_read_only_user nologin bypassrls;
create role supabase_privileged_role nologin;
create role supabase_etl_admin nologin noinherit;
-- A superuser there; here only a name that grants and policies may speak of.
create role supabase_admin nologin noinherit;
create role pgbouncer nologin;
create role pgsodium_keyholder nologin;
create role pgsodium_keyiduser nologin;
create role pgsodium_keymaker nologin;
create role postgres login createdb createrole bypassrls;
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator, dashboard_user, supabase_auth_admin,
    supabase_storage_admin, supabase_realtime_admin, supabase_functions_admin,
    supabase_read_only_user, supabase_privileged_role, pgsodium_keyholder, pgsodium_keyiduser, pgsodium_keymaker,
    pg_monitor, pg_read_all_data, pg_write_all_data, pg_create_subscription
    to postgres with admin option;
revoke pg_create_subscription from postgres;
grant set on parameter session_replication_role, log_lock_waits, log_min_duration_statement,
    log_min_messages, log_statement, log_temp_files, track_functions, track_io_timing,
    pgrst.db_aggregates_enabled, pgrst.db_anon_role, pgrst.db_extra_search_path,
    pgrst.db_max_rows, pgrst.db_plan_enabled, pgrst.db_pre_request, pgrst.db_root_spec,
    pgrst.db_schemas, pgrst.db_tx_end, pgrst.jwt_aud, pgrst.jwt_role_claim_key,
    pgrst.jwt_secret, pgrst.max_rows, pgrst.openapi_mode, pgrst.openapi_security_active,
    pgrst.server_cors_allowed_origins, pgrst.server_timing_enabled, pgaudit.log,
    pgaudit.log_catalog, pgaudit.log_level, pgaudit.log_parameter, pgaudit.log_relation,
    pgaudit.log_rows, pgaudit.log_statement, pgaudit.role, auto_explain.log_analyze,
    auto_explain.log_min_duration, auto_explain.log_nested_statements, plan_filter.statement_cost_limit,
    plan_filter.limit_select_only, safeupdate.enabled, pg_net.ttl, pg_net.batch_size to postgres;

-- Names of collations of the operating system and of ICU, which a server may lack.
do $$
declare name text;
begin
    foreach name in array '{en_US,en_US.utf8,en_US.UTF-8,und-x-icu,en-x-icu,en-US-x-icu,de-x-icu,fr-x-icu,es-x-icu,pt-x-icu,pt-BR-x-icu,sv-x-icu,tr-x-icu,ja-x-icu,zh-x-icu}'::text[] loop
        execute format('create collation if not exists pg_catalog.%I (provider = builtin, locale = %L)', name, 'C.UTF-8');
    end loop;
end $$;

create schema auth authorization supabase_auth_admin;
create schema storage authorization supabase_storage_admin;
create schema realtime authorization supabase_realtime_admin;
create schema supabase_functions authorization supabase_functions_admin;
create schema extensions authorization postgres;
create schema graphql;
create schema graphql_public;
create schema pgbouncer;
create schema pgsodium;
create schema vault;
create schema supabase_migrations authorization postgres;
create schema _realtime authorization supabase_realtime_admin;

grant usage on schema public, auth, storage, realtime, supabase_functions, extensions,
    graphql_public to anon, authenticated, service_role;
grant usage on schema vault, graphql to postgres, service_role;
grant all on schema public to postgres;
grant create on schema public to supabase_auth_admin;

alter default privileges for role postgres in schema public
    grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on sequences to postgres, anon, authenticated, service_role;

set role supabase_auth_admin;

create type auth.aal_level as enum ('aal1', 'aal2', 'aal3');
create type auth.factor_type as enum ('totp', 'webauthn', 'phone');
create type auth.factor_status as enum ('unverified', 'verified');
create type auth.code_challenge_method as enum ('s256', 'plain');
create type auth.one_time_token_type as enum (
    'confirmation_token', 'reauthentication_token', 'recovery_token',
    'email_change_token_new', 'email_change_token_current', 'phone_change_token');

create table auth.users (
    instance_id uuid,
    id uuid not null primary key,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    confirmation_token varchar(255),
    confirmation_sent_at timestamptz,
    recovery_token varchar(255),
    recovery_sent_at timestamptz,
    email_change_token_new varchar(255),
    email_change varchar(255),
    email_change_sent_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz,
    updated_at timestamptz,
    phone text unique default null,
    phone_confirmed_at timestamptz,
    phone_change text default '',
    phone_change_token varchar(255) default '',
    phone_change_sent_at timestamptz,
    confirmed_at timestamptz generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
    email_change_token_current varchar(255) default '',
    email_change_confirm_status smallint default 0
        check (email_change_confirm_status between 0 and 2),
    banned_until timestamptz,
    reauthentication_token varchar(255) default '',
    reauthentication_sent_at timestamptz,
    is_sso_user boolean not null default false,
    deleted_at timestamptz,
    is_anonymous boolean not null default false
);
create unique index users_email_partial_key on auth.users (email) where is_sso_user = false;
create table auth.identities (
    provider_id text not null,
    user_id uuid not null references auth.users (id) on delete cascade,
    identity_data jsonb not null,
    provider text not null,
    last_sign_in_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    email text generated always as (lower(identity_data ->> 'email')) stored,
    id uuid primary key default gen_random_uuid(),
    unique (provider_id, provider)
);
create table auth.sessions (
    id uuid primary key,
    user_id uuid not null references auth.users (id) on delete cascade,
    created_at timestamptz,
    updated_at timestamptz,
    factor_id uuid,
    aal auth.aal_level,
    not_after timestamptz,
    refreshed_at timestamp,
    user_agent text,
    ip inet,
    tag text,
    oauth_client_id uuid,
    refresh_token_hmac_key text,
    refresh_token_counter bigint,
    scopes text
);
create table auth.refresh_tokens (
    instance_id uuid,
    id bigserial primary key,
    token varchar(255) unique,
    user_id varchar(255),
    revoked boolean,
    created_at timestamptz,
    updated_at timestamptz,
    parent varchar(255),
    session_id uuid references auth.sessions (id) on delete cascade
);
create table auth.mfa_factors (
    id uuid primary key,
    user_id uuid not null references auth.users (id) on delete cascade,
    friendly_name text,
    factor_type auth.factor_type not null,
    status auth.factor_status not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    secret text,
    phone text,
    last_challenged_at timestamptz unique,
    web_authn_credential jsonb,
    web_authn_aaguid uuid,
    last_webauthn_challenge_data jsonb
);
create table auth.mfa_challenges (
    id uuid primary key,
    factor_id uuid not null references auth.mfa_factors (id) on delete cascade,
    created_at timestamptz not null,
    verified_at timestamptz,
    ip_address inet not null,
    otp_code text,
    web_authn_session_data jsonb
);
create table auth.mfa_amr_claims (
    session_id uuid not null references auth.sessions (id) on delete cascade,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    authentication_method text not null,
    id uuid primary key
);
create table auth.one_time_tokens (
    id uuid primary key,
    user_id uuid not null references auth.users (id) on delete cascade,
    token_type auth.one_time_token_type not null,
    token_hash text not null,
    relates_to text not null,
    created_at timestamp not null default now(),
    updated_at timestamp not null default now()
);
create table auth.flow_state (
    id uuid primary key, user_id uuid, auth_code text not null,
    code_challenge_method auth.code_challenge_method not null, code_challenge text not null,
    provider_type text not null, provider_access_token text, provider_refresh_token text,
    created_at timestamptz, updated_at timestamptz, authentication_method text not null,
    auth_code_issued_at timestamptz
);
create table auth.sso_providers (
    id uuid primary key, resource_id text, created_at timestamptz, updated_at timestamptz,
    disabled boolean
);
create table auth.sso_domains (
    id uuid primary key, sso_provider_id uuid not null references auth.sso_providers (id),
    domain text not null, created_at timestamptz, updated_at timestamptz
);
create table auth.saml_providers (
    id uuid primary key, sso_provider_id uuid not null references auth.sso_providers (id),
    entity_id text not null unique, metadata_xml text not null, metadata_url text,
    attribute_mapping jsonb, created_at timestamptz, updated_at timestamptz, name_id_format text
);
create table auth.saml_relay_states (
    id uuid primary key, sso_provider_id uuid not null references auth.sso_providers (id),
    request_id text not null, for_email text, redirect_to text, created_at timestamptz,
    updated_at timestamptz, flow_state_id uuid references auth.flow_state (id)
);
create table auth.oauth_clients (
    id uuid primary key, client_secret_hash text, registration_type text not null,
    redirect_uris text not null, grant_types text not null, client_name text, client_uri text,
    logo_uri text, created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(), deleted_at timestamptz, client_type text
);
create table auth.oauth_authorizations (
    id uuid primary key, authorization_id text not null unique, client_id uuid not null,
    user_id uuid references auth.users (id), redirect_uri text not null, scope text not null,
    state text, resource text, status text not null default 'pending', authorization_code text,
    created_at timestamptz not null default now(), expires_at timestamptz, approved_at timestamptz
);
create table auth.oauth_consents (
    id uuid primary key, user_id uuid not null references auth.users (id),
    client_id uuid not null, scopes text not null, granted_at timestamptz not null default now(),
    revoked_at timestamptz
);
create table auth.instances (
    id uuid primary key, uuid uuid, raw_base_config text, created_at timestamptz,
    updated_at timestamptz
);
create table auth.audit_log_entries (
    instance_id uuid,
    id uuid primary key,
    payload json,
    created_at timestamptz,
    ip_address varchar(64) not null default ''
);
create table auth.schema_migrations (version varchar(255) primary key);

create function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;
create function auth.uid() returns uuid language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$$;
create function auth.role() returns text language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )::text
$$;
create function auth.email() returns text language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
    )::text
$$;
do $$
declare name text;
begin
    for name in select tablename from pg_catalog.pg_tables where schemaname = 'auth' loop
        execute format('alter table auth.%I enable row level security', name);
        execute format('grant all on auth.%I to postgres, dashboard_user', name);
    end loop;
end $$;
grant all on all sequences in schema auth to postgres, dashboard_user;

reset role;
set role supabase_storage_admin;

create type storage.buckettype as enum ('STANDARD', 'ANALYTICS', 'VECTOR');
create table storage.buckets (
    id text primary key,
    name text not null unique,
    owner uuid,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    public boolean default false,
    avif_autodetection boolean default false,
    file_size_limit bigint,
    allowed_mime_types text[],
    owner_id text,
    type storage.buckettype not null default 'STANDARD'
);
create table storage.objects (
    id uuid primary key default gen_random_uuid(),
    bucket_id text references storage.buckets (id),
    name text,
    owner uuid,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    last_accessed_at timestamptz default now(),
    metadata jsonb,
    path_tokens text[] generated always as (string_to_array(name, '/')) stored,
    version text,
    owner_id text,
    user_metadata jsonb,
    level integer
);
create unique index bucketid_objname on storage.objects (bucket_id, name);
create table storage.migrations (
    id integer primary key,
    name varchar(100) not null unique,
    hash varchar(40) not null,
    executed_at timestamp default current_timestamp
);
create table storage.s3_multipart_uploads (
    id text primary key, in_progress_size bigint not null default 0,
    upload_signature text not null, bucket_id text not null references storage.buckets (id),
    key text not null, version text not null, owner_id text,
    created_at timestamptz not null default now(), user_metadata jsonb
);
create table storage.s3_multipart_uploads_parts (
    id uuid primary key default gen_random_uuid(),
    upload_id text not null references storage.s3_multipart_uploads (id) on delete cascade,
    size bigint not null default 0, part_number integer not null,
    bucket_id text not null references storage.buckets (id), key text not null,
    etag text not null, owner_id text, version text not null,
    created_at timestamptz not null default now()
);
create function storage.foldername(name text) returns text[] language plpgsql immutable as $$
declare _parts text[];
begin
    select string_to_array(name, '/') into _parts;
    return _parts[1 : array_length(_parts, 1) - 1];
end $$;
create function storage.filename(name text) returns text language plpgsql immutable as $$
declare _parts text[];
begin
    select string_to_array(name, '/') into _parts;
    return _parts[array_length(_parts, 1)];
end $$;
create function storage.extension(name text) returns text language plpgsql immutable as $$
declare _parts text[];
begin
    select string_to_array(name, '/') into _parts;
    return reverse(split_part(reverse(_parts[array_length(_parts, 1)]), '.', 1));
end $$;
create function storage.operation() returns text language sql stable as $$
    select current_setting('storage.operation', true)
$$;
create function storage.allow_only_operation(expected_operation text) returns boolean
language sql stable as $$ select storage.operation() = expected_operation $$;
create function storage.allow_any_operation(expected_operations text[]) returns boolean
language sql stable as $$ select storage.operation() = any (expected_operations) $$;
create function storage.can_insert_object(bucketid text, name text, owner uuid, metadata jsonb)
returns void language plpgsql as $$ begin end $$;
create function storage.get_level(name text) returns integer language sql immutable as $$
    select array_length(string_to_array(name, '/'), 1)
$$;
create function storage.get_prefix(name text) returns text language sql immutable as $$
    select regexp_replace(name, '/?[^/]*$', '')
$$;
create function storage.get_size_by_bucket() returns table (size bigint, bucket_id text)
language sql stable as $$
    select sum((metadata ->> 'size')::bigint)::bigint, bucket_id from storage.objects group by 2
$$;
create function storage.search(
    prefix text, bucketname text, limits int default 100, levels int default 1,
    offsets int default 0, search text default '', sortcolumn text default 'name',
    sortorder text default 'asc'
) returns table (
    name text, id uuid, updated_at timestamptz, created_at timestamptz,
    last_accessed_at timestamptz, metadata jsonb
) language sql stable as $$
    select o.name, o.id, o.updated_at, o.created_at, o.last_accessed_at, o.metadata
    from storage.objects o where o.bucket_id = bucketname and o.name like prefix || '%' limit limits
$$;
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
alter table storage.migrations enable row level security;
alter table storage.s3_multipart_uploads enable row level security;
alter table storage.s3_multipart_uploads_parts enable row level security;
grant all on storage.buckets, storage.objects to postgres, anon, authenticated, service_role;
grant all on storage.migrations, storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts
    to postgres, service_role;

reset role;
set role supabase_realtime_admin;

create table realtime.messages (
    topic text not null,
    extension text not null,
    payload jsonb,
    event text,
    private boolean default false,
    updated_at timestamp not null default now(),
    inserted_at timestamp not null default now(),
    id uuid not null default gen_random_uuid(),
    primary key (id, inserted_at)
);
create table realtime.subscription (
    id bigint primary key generated always as identity,
    subscription_id uuid not null,
    entity regclass not null,
    claims jsonb not null,
    created_at timestamp not null default now()
);
alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to postgres, anon, authenticated, service_role;
create function realtime.topic() returns text language sql stable as $$
    select nullif(current_setting('realtime.topic', true), '')::text
$$;
create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void language plpgsql as $$ begin end $$;
create function realtime.broadcast_changes(
    topic_name text, event_name text, operation text, table_name text, table_schema text,
    new record, old record, level text default 'ROW'
) returns void language plpgsql as $$ begin end $$;

reset role;
set role supabase_functions_admin;

create table supabase_functions.hooks (
    id bigserial primary key,
    hook_table_id integer not null,
    hook_name text not null,
    created_at timestamptz not null default now(),
    request_id bigint
);
create table supabase_functions.migrations (
    version text primary key, inserted_at timestamptz not null default now()
);
create function supabase_functions.http_request() returns trigger language plpgsql as $$
begin
    return coalesce(new, old);
end $$;
reset role;

create table vault.secrets (
    id uuid primary key default gen_random_uuid(),
    name text unique,
    description text not null default '',
    secret text not null,
    key_id uuid,
    nonce bytea,
    created_at timestamptz not null default current_timestamp,
    updated_at timestamptz not null default current_timestamp
);
create view vault.decrypted_secrets as
    select id, name, description, secret, secret as decrypted_secret, key_id, nonce, created_at,
        updated_at
    from vault.secrets;
create function vault.create_secret(
    new_secret text, new_name text default null, new_description text default '',
    new_key_id uuid default null
) returns uuid language sql as $$
    insert into vault.secrets (secret, name, description)
    values (new_secret, new_name, new_description) returning id
$$;
create function vault.update_secret(
    secret_id uuid, new_secret text default null, new_name text default null,
    new_description text default null, new_key_id uuid default null
) returns void language sql as $$
    update vault.secrets
    set secret = coalesce(new_secret, secret), name = coalesce(new_name, name),
        description = coalesce(new_description, description)
    where id = secret_id
$$;
revoke all on function vault.create_secret, vault.update_secret from public;
grant execute on function vault.create_secret, vault.update_secret to postgres, service_role;
grant select, insert, update, delete on vault.secrets, vault.decrypted_secrets
    to postgres, service_role;

create function graphql_public.graphql(
    "operationName" text default null, query text default null, variables jsonb default null,
    extensions jsonb default null
) returns jsonb language sql as $$ select '{}'::jsonb $$;

create table supabase_migrations.schema_migrations (
    version text primary key, statements text[], name text, created_by text, idempotency_key text
);
alter table supabase_migrations.schema_migrations owner to postgres;

do $$ begin execute format('grant create on database %I to postgres', current_database()); end $$;
grant all on schema vault, graphql, pgsodium to postgres;
set role postgres;
create extension "uuid-ossp" with schema extensions;
create extension pgcrypto with schema extensions;
create extension pg_stat_statements with schema extensions;
create extension supabase_vault with schema vault;
create extension pg_graphql with schema graphql;
reset role;
grant usage on schema extensions to postgres, anon, authenticated, service_role with grant option;
grant all on all functions in schema extensions to postgres, anon, authenticated, service_role;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
