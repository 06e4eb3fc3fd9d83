import Stripe from "stripe"

export const stripe = new Stripe(process.env.STRIPE_SECRET_KEY!)

export async function signedEvent(request: Request) {
  const signature = request.headers.get("stripe-signature") ?? ""
  return stripe.webhooks.constructEvent(
    await request.text(),
    signature,
    process.env.STRIPE_WEBHOOK_SECRET!,
  )
}
