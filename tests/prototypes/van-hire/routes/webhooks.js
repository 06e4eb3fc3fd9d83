const { Router } = require("express");
const db = require("../lib/db");
const { readEvent } = require("../lib/payments");

const router = Router();

router.post("/stripe", async (req, res) => {
  let event;
  try {
    event = readEvent(req);
  } catch (error) {
    return res.status(400).end();
  }
  if (event.type === "checkout.session.completed") {
    await db.query("UPDATE bookings SET paid = true WHERE checkout_id = $1 AND NOT paid", [
      event.data.object.id,
    ]);
  }
  res.json({ received: true });
});

module.exports = router;
