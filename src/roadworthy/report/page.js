"use strict";
const form = document.getElementById("filters");
const findings = [...document.querySelectorAll("#list > .finding")];
const texts = new Map();

function textOf(finding, selector) {
  const key = finding.id + selector;
  if (!texts.has(key)) {
    const parts = selector ? [...finding.querySelectorAll(selector)] : [finding];
    texts.set(key, parts.map((part) => part.textContent).join("\n").toLowerCase());
  }
  return texts.get(key);
}

function placesOf(part) {
  return [...part.querySelectorAll(".place")].map((it) => it.textContent.toLowerCase()).join("\n");
}

function filter() {
  const wanted = Object.fromEntries(new FormData(form));
  const file = wanted.file.toLowerCase();
  const text = wanted.text.toLowerCase();
  let shown = 0;
  for (const finding of findings) {
    const fits =
      (!wanted.area || finding.dataset.area === wanted.area) &&
      (!wanted.severity || finding.dataset.severity === wanted.severity) &&
      (!file || textOf(finding, ".place").includes(file)) &&
      (!text || textOf(finding, "").includes(text));
    finding.hidden = !fits;
    shown += fits;
    for (const part of finding.querySelectorAll(".at")) {
      part.hidden = Boolean(file) && !placesOf(part).includes(file);
    }
    const rest = finding.querySelector(".rest");
    if (rest && file && fits) rest.open = true;
  }
  document.getElementById("shown").textContent = `${shown} of ${findings.length}`;
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus();
  }
}

form.hidden = findings.length < 2;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", openTarget);
filter();
openTarget();

const unfold = document.getElementById("unfold");
if (unfold) {
  const more = document.getElementById("more-rows");
  const set = (open) => {
    more.hidden = !open;
    unfold.setAttribute("aria-expanded", String(open));
    if (open) unfold.textContent = "Fewer tables";
    else unfold.textContent = `${more.rows.length} more tables`;
  };
  unfold.hidden = false;
  unfold.addEventListener("click", () => set(more.hidden));
  set(false);
}

const opened = new Set();
addEventListener("beforeprint", () => {
  for (const it of document.querySelectorAll("details:not([open])")) {
    it.open = true;
    opened.add(it);
  }
});
addEventListener("afterprint", () => {
  for (const it of opened) it.open = false;
  opened.clear();
});
