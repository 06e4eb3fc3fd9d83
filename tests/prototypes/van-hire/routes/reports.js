const { Router } = require("express");
const db = require("../lib/db");

const router = Router();

// The dashboard of the office.
router.get("/customers", async (req, res) => {
  const { rows } = await db.query("SELECT id, name, email, phone, licence_number FROM users");
  res.json(rows);
});

router.delete("/bookings/:id", async (req, res) => {
  await db.query("DELETE FROM bookings WHERE id = $1", [req.params.id]);
  res.status(204).end();
});

module.exports = router;
