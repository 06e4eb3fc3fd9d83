import { useEffect, useState } from "react";
import { supabase } from "../integrations/supabase/client";

export default function Admin() {
  const [orders, setOrders] = useState<any[]>([]);
  const [search, setSearch] = useState("");
  const isAdmin = localStorage.getItem("role") === "admin";

  useEffect(() => {
    supabase
      .from("orders")
      .select("*")
      .or(`customer_email.ilike.%${search}%,note.ilike.%${search}%`)
      .then(({ data }) => setOrders(data ?? []));
  }, [search]);

  if (!isAdmin) return null;
  return (
    <main>
      <input value={search} onChange={(e) => setSearch(e.target.value)} />
      {orders.map((order) => (
        <p key={order.id}>{order.customer_email}</p>
      ))}
    </main>
  );
}
