const list = document.querySelector("#vans");

async function show() {
  const answer = await fetch("/api/vans", {
    headers: { Authorization: `Bearer ${localStorage.getItem("token")}` },
  });
  for (const van of await answer.json()) {
    const item = document.createElement("li");
    item.textContent = `${van.name}, ${van.seats} seats`;
    list.append(item);
  }
}

async function logIn(email, password) {
  const answer = await fetch("/api/auth/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  const { token } = await answer.json();
  localStorage.setItem("token", token);
  show();
}

document.querySelector("#log-in")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  logIn(form.get("email"), form.get("password"));
});
show();
