create table public.reviews (
  id uuid primary key default gen_random_uuid(),
  stars integer not null
);
