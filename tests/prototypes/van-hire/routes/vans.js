const { Router } = require("express");
const path = require("path");
const db = require("../lib/db");

const router = Router();

router.get("/", async (req, res) => {
  const seats = Number.parseInt(req.query.seats, 10) || 1;
  const { rows } = await db.query(
    "SELECT id, name, seats FROM vans WHERE seats >= $1 ORDER BY name LIMIT 50",
    [seats]
  );
  res.json(rows);
});

router.get("/manuals/:name", (req, res) => {
  res.sendFile(path.join(__dirname, "../manuals", req.query.file));
});

module.exports = router;
