create table public.products (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  price numeric(10, 2) not null
);
alter table public.products enable row level security;
create policy "Anyone can see the products" on public.products for select using (true);

create table public.profiles (
  id uuid primary key references auth.users (id),
  email text not null,
  phone text,
  role text not null default 'customer'
);
alter table public.profiles enable row level security;
create policy "Own profile" on public.profiles for select using (auth.uid() = id);
create policy "Own profile changes" on public.profiles for update using (auth.uid() = id);
create policy "Own profile made" on public.profiles for insert with check (auth.uid() = id);

create table public.orders (
  id uuid primary key default gen_random_uuid(),
  customer_email text not null,
  note text,
  status text not null default 'open',
  total double precision not null,
  day date
);
