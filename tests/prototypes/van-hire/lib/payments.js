const Stripe = require("stripe");

const stripe = new Stripe(process.env.STRIPE_SECRET_KEY, { timeout: 10_000 });

// Throws for a body that Stripe did not sign.
function readEvent(req) {
  return stripe.webhooks.constructEvent(
    req.body,
    req.headers["stripe-signature"],
    process.env.STRIPE_WEBHOOK_SECRET
  );
}

module.exports = { stripe, readEvent };
