const jwt = require("jsonwebtoken");

const SECRET = process.env.JWT_SECRET || "van-hire-dev";

function sign(user) {
  return jwt.sign({ id: user.id, role: user.role }, SECRET, { expiresIn: "7d" });
}

function requireUser(req, res, next) {
  const header = req.headers.authorization || "";
  try {
    req.user = jwt.verify(header.replace("Bearer ", ""), SECRET);
  } catch (error) {
    return res.status(401).json({ message: "Please log in" });
  }
  next();
}

module.exports = { sign, requireUser };
