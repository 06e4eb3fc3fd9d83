import { useState } from "react";
import { useNavigate } from "react-router-dom";

export default function Login() {
  const [password, setPassword] = useState("");
  const navigate = useNavigate();

  const submit = () => {
    if (password === "shopkeeper") {
      localStorage.setItem("role", "admin");
      navigate("/admin");
    }
  };

  return (
    <form onSubmit={submit}>
      <input type="password" value={password} onChange={(e) => setPassword(e.target.value)} />
    </form>
  );
}
