import { NextResponse } from "next/server"
import { admin } from "@/lib/supabase"
import { signedEvent } from "../_lib/signature"

export async function POST(request: Request) {
  let event
  try {
    event = await signedEvent(request)
  } catch {
    return NextResponse.json({ error: "Not signed" }, { status: 400 })
  }
  if (event.type === "checkout.session.completed") {
    await admin.from("leases").upsert({ checkout_id: event.data.object.id, paid: true })
  }
  return NextResponse.json({ received: true })
}
