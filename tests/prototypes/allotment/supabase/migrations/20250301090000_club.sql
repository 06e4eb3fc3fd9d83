create table public.members (
  id uuid primary key references auth.users (id),
  name text not null,
  email text not null,
  phone text,
  role text not null default 'member'
);

create table public.plots (
  id bigint generated always as identity primary key,
  size int not null,
  price double precision not null,
  lease text,
  tenant_id uuid references public.members (id)
);
create index on public.plots (tenant_id);

create table public.notices (
  id bigint generated always as identity primary key,
  title text not null,
  body text not null,
  remark text not null default '',
  author_id uuid not null references public.members (id)
);
create index on public.notices (author_id);

create table public.wishes (
  id bigint generated always as identity primary key,
  plot_id bigint not null references public.plots (id),
  member_id uuid not null references public.members (id),
  note text not null
);
create index on public.wishes (plot_id);
create index on public.wishes (member_id);

create table public.leases (
  checkout_id text primary key,
  paid boolean not null default false
);

create table public.waiting_list (
  id bigint generated always as identity primary key,
  name text not null,
  email text not null,
  phone text not null
);
