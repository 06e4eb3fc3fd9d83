import { NextResponse } from "next/server"
import { forCaller } from "@/lib/supabase"
import { signedIn } from "../_lib/session"

export async function POST(request: Request) {
  const { user, refusal } = await signedIn()
  if (refusal) return refusal
  const { title, body } = await request.json()
  const supabase = await forCaller()
  await supabase.from("notices").insert({ title, body, author_id: user.id })
  return NextResponse.json({ ok: true }, { status: 201 })
}
