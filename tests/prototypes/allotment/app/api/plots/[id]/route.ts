import { NextResponse } from "next/server"
import { admin } from "@/lib/supabase"
import { signedIn } from "../../_lib/session"

type Context = { params: Promise<{ id: string }> }

export async function GET(_: Request, { params }: Context) {
  const { user, refusal } = await signedIn()
  if (refusal) return refusal
  const { id } = await params
  const { data } = await admin
    .from("plots")
    .select("id, size, price, lease")
    .eq("id", id)
    .eq("tenant_id", user.id)
    .single()
  return NextResponse.json(data)
}

export async function DELETE(_: Request, { params }: Context) {
  const { id } = await params
  await admin.from("plots").delete().eq("id", id)
  return NextResponse.json({ ok: true })
}
