import { NextResponse } from "next/server"
import { admin } from "@/lib/supabase"

export async function GET() {
  const { data } = await admin.from("members").select("*")
  return NextResponse.json(data)
}

export async function PATCH(request: Request) {
  const { memberId, ...changes } = await request.json()
  const { error } = await admin.from("members").update(changes).eq("id", memberId)
  if (error) return NextResponse.json({ error: error.message }, { status: 500 })
  return NextResponse.json({ ok: true })
}
