import { defineConfig } from "vite";

export default defineConfig({
  build: { target: "esnext" },
  server: { proxy: { "/api": process.env.VITE_API ?? "http://localhost:8000" } },
});
