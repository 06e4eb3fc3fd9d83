require("dotenv").config();
const express = require("express");
const cors = require("cors");
const cookieParser = require("cookie-parser");
const { requireUser } = require("./lib/auth");

const app = express();

app.use(
  cors({
    origin: (origin, callback) => callback(null, true),
    credentials: true,
  })
);
app.use(cookieParser());

// Stripe signs the bytes as they were sent, so this one comes before the JSON parser.
app.use("/webhooks", express.raw({ type: "application/json" }), require("./routes/webhooks"));

app.use(express.json());
app.use(express.static("public"));

app.use("/api/auth", require("./routes/auth"));
app.use("/api/reports", require("./routes/reports"));

// Everything below needs somebody who is logged in.
app.use("/api", requireUser);
app.use("/api/bookings", require("./routes/bookings"));
app.use("/api/vans", require("./routes/vans"));

app.use((error, req, res, next) => {
  console.error(error);
  res.status(500).json({ message: error.message, stack: error.stack });
});

app.listen(process.env.PORT || 3000, () => console.log("Van hire is up"));
