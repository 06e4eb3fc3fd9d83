import DOMPurify from "isomorphic-dompurify"
import { Remark } from "@/components/remark"
import { forCaller } from "@/lib/supabase"

export default async function Notices() {
  const supabase = await forCaller()
  const { data: notices } = await supabase
    .from("notices")
    .select("id, title, body, remark")
    .order("id")
    .limit(20)
  return (
    <main>
      {(notices ?? []).map((notice) => (
        <article key={notice.id}>
          <h2>{notice.title}</h2>
          <div dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(notice.body) }} />
          <Remark html={notice.remark} />
        </article>
      ))}
    </main>
  )
}
