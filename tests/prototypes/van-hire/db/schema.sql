CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE,
  password_hash text NOT NULL,
  name text,
  phone text,
  licence_number text,
  role text NOT NULL DEFAULT 'customer',
  reset_token text
);

CREATE TABLE vans (
  id serial PRIMARY KEY,
  name text NOT NULL,
  seats int NOT NULL,
  price_per_day real NOT NULL
);

CREATE TABLE bookings (
  id serial PRIMARY KEY,
  user_id int NOT NULL REFERENCES users,
  van_id int NOT NULL REFERENCES vans,
  starts_on date NOT NULL,
  days int NOT NULL,
  paid boolean NOT NULL DEFAULT false,
  checkout_id text,
  cancelled_at timestamptz
);
