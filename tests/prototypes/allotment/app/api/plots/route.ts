import { NextResponse } from "next/server"
import { z } from "zod"
import { admin } from "@/lib/supabase"
import { signedIn } from "../_lib/session"

const Wish = z.object({ plot: z.number().int(), note: z.string().max(500) })

export async function GET() {
  const { user, refusal } = await signedIn()
  if (refusal) return refusal
  const { data } = await admin.from("plots").select("id, size, price").eq("tenant_id", user.id).limit(50)
  return NextResponse.json(data)
}

export async function POST(request: Request) {
  const { user, refusal } = await signedIn()
  if (refusal) return refusal
  const wish = Wish.parse(await request.json())
  await admin.from("wishes").insert({ plot_id: wish.plot, note: wish.note, member_id: user.id })
  return NextResponse.json({ ok: true }, { status: 201 })
}
