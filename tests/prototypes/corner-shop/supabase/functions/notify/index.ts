import { createClient } from "https://esm.sh/@supabase/supabase-js@2";

const cors = { "Access-Control-Allow-Origin": "*" };

Deno.serve(async (request) => {
  const { order_id, status } = await request.json();
  const supabase = createClient(
    Deno.env.get("SUPABASE_URL")!,
    Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")!,
  );
  await supabase.from("orders").update({ status }).eq("id", order_id);
  return new Response(JSON.stringify({ ok: true }), { headers: cors });
});
