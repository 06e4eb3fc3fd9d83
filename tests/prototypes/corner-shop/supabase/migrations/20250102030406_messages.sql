create table public.messages (
  id uuid primary key default gen_random_uuid(),
  profile_id uuid not null references public.profiles (id),
  body text not null,
  sent_at timestamptz not null default now()
);
do $$
begin
  execute 'alter table public.messages enable row level security';
end
$$;
create policy "Own messages" on public.messages for all
  using (auth.uid() = profile_id) with check (auth.uid() = profile_id);
