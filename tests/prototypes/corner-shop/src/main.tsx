import { createRoot } from "react-dom/client";
import { BrowserRouter, Route, Routes } from "react-router-dom";
import Admin from "./pages/Admin";
import Basket from "./pages/Basket";
import Login from "./pages/Login";
import Note from "./pages/Note";

createRoot(document.getElementById("root")!).render(
  <BrowserRouter>
    <Routes>
      <Route path="/" element={<Basket />} />
      <Route path="/login" element={<Login />} />
      <Route path="/note/:id" element={<Note />} />
      <Route path="/admin" element={<Admin />} />
    </Routes>
  </BrowserRouter>,
);
