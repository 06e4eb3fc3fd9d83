const { Router } = require("express");
const crypto = require("crypto");
const db = require("../lib/db");
const { sign } = require("../lib/auth");

const router = Router();

const hash = (password) => crypto.createHash("md5").update(password).digest("hex");

router.post("/register", async (req, res) => {
  const { email, password, name, role } = req.body;
  const { rows } = await db.query(
    "INSERT INTO users (email, password_hash, name, role) VALUES ($1, $2, $3, $4) RETURNING id, role",
    [email, hash(password), name, role || "customer"]
  );
  res.json({ token: sign(rows[0]) });
});

router.post("/login", async (req, res) => {
  const { rows } = await db.query(
    `SELECT id, role FROM users WHERE email = '${req.body.email}' AND password_hash = '${hash(req.body.password)}'`
  );
  if (!rows[0]) return res.status(401).json({ message: "Wrong e-mail or password" });
  res.json({ token: sign(rows[0]) });
});

router.post("/forgot", async (req, res) => {
  const resetToken = Math.random().toString(36).slice(2);
  await db.query("UPDATE users SET reset_token = $1 WHERE email = $2", [resetToken, req.body.email]);
  res.json({ ok: true });
});

module.exports = router;
