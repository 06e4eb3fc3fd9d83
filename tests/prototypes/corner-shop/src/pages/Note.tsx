import { useEffect, useState } from "react";
import { useParams } from "react-router-dom";
import { supabase } from "../integrations/supabase/client";

export default function Note() {
  const { id } = useParams();
  const [note, setNote] = useState("");

  useEffect(() => {
    supabase.from("orders").select("note").eq("id", id).single()
      .then(({ data }) => setNote(data?.note ?? ""));
  }, [id]);

  return <article dangerouslySetInnerHTML={{ __html: note }} />;
}
