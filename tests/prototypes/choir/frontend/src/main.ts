import { singers } from "./api";

const list = document.querySelector("#singers")!;

for (const singer of await singers()) {
  const item = document.createElement("li");
  item.textContent = `${singer.name} (${singer.part})`;
  list.append(item);
}
console.log("loaded");
