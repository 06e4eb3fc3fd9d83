const { Router } = require("express");
const db = require("../lib/db");
const { stripe } = require("../lib/payments");

const router = Router();

router.get("/", async (req, res) => {
  const { rows } = await db.query(
    "SELECT id, van_id, starts_on, days FROM bookings WHERE user_id = $1 ORDER BY id LIMIT 100",
    [req.user.id]
  );
  res.json(rows);
});

router.get("/:id", async (req, res) => {
  const { rows } = await db.query("SELECT * FROM bookings WHERE id = $1", [req.params.id]);
  if (!rows[0]) return res.status(404).end();
  res.json(rows[0]);
});

router.post("/", async (req, res) => {
  const { van_id, starts_on, days, price } = req.body;
  const session = await stripe.checkout.sessions.create({
    mode: "payment",
    line_items: [
      {
        quantity: days,
        price_data: {
          currency: "eur",
          unit_amount: price,
          product_data: { name: `Van ${van_id}` },
        },
      },
    ],
    success_url: `${process.env.PUBLIC_URL}/thanks`,
  });
  await db.query(
    "INSERT INTO bookings (user_id, van_id, starts_on, days, checkout_id) VALUES ($1, $2, $3, $4, $5)",
    [req.user.id, van_id, starts_on, days, session.id]
  );
  res.json({ url: session.url });
});

router.post("/:id/cancel", async (req, res) => {
  const { rowCount } = await db.query(
    "UPDATE bookings SET cancelled_at = now() WHERE id = $1 AND user_id = $2",
    [req.params.id, req.user.id]
  );
  res.status(rowCount ? 204 : 404).end();
});

module.exports = router;
