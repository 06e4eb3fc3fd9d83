-- Nobody gets at anything but through a policy.
do $$
declare
  name text;
begin
  foreach name in array array['plots', 'notices', 'wishes', 'leases', 'members'] loop
    execute format('alter table public.%I enable row level security', name);
  end loop;
end
$$;

create policy "own plots" on public.plots for select to authenticated
  using (tenant_id = (select auth.uid()));

create policy "notices are for members" on public.notices for select to authenticated
  using (exists (select from public.members where members.id = (select auth.uid())));
create policy "own notices" on public.notices for insert to authenticated
  with check (author_id = (select auth.uid()));

create policy "own wishes" on public.wishes for all to authenticated
  using (member_id = (select auth.uid())) with check (member_id = (select auth.uid()));

create policy "own row" on public.members for select to authenticated
  using (id = (select auth.uid()));
create policy "update own row" on public.members for update to authenticated
  using (id = (select auth.uid()));
