"use strict";
(() => {
  const input = document.querySelector("[role=search] input"), items = [...document.querySelectorAll(".item")];
  const nothing = document.querySelector(".nothing");
  input?.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
    nothing.hidden = items.some((item) => !item.hidden);
  });
  document.querySelectorAll(".copy").forEach((button) => button.addEventListener("click", () => {
    const before = button.textContent;
    navigator.clipboard?.writeText(button.dataset.copy).then(() => {
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = before; }, 1600);
    });
  }));
})();
