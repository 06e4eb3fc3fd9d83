import { NextResponse } from "next/server"
import { forCaller } from "@/lib/supabase"

export async function signedIn() {
  const supabase = await forCaller()
  const { data } = await supabase.auth.getUser()
  if (!data.user) {
    return { user: null, refusal: NextResponse.json({ error: "Log in first" }, { status: 401 }) }
  }
  return { user: data.user, refusal: null }
}
