import { NextResponse } from "next/server"
import { signedIn } from "../_lib/session"

export async function POST(request: Request) {
  const { refusal } = await signedIn()
  if (refusal) return refusal
  const { url } = await request.json()
  const page = await fetch(url)
  const html = await page.text()
  return NextResponse.json({ title: /<title>(.*?)<\/title>/.exec(html)?.[1] ?? "" })
}
