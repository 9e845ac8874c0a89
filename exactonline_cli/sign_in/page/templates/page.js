"use strict";
{
  const all = (selector) => [...document.querySelectorAll(selector)];
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).innerText.trim();
      await navigator.clipboard.writeText(text);
      button.textContent = button.dataset.copied;
    });
  }
  const address = document.querySelector("[data-waiting]");
  if (address) {
    address.addEventListener("paste", () => setTimeout(() => {
      if (/[?&]code=/.test(address.value) && /[?&]state=/.test(address.value)) address.form.requestSubmit();
    }));
    const timer = setInterval(async () => {
      try {
        const answer = await fetch("/waiting");
        if (answer.status === 200) location.assign("/divisions");
        if (answer.status === 403) clearInterval(timer);
      } catch { clearInterval(timer); }
    }, 1500);
  }
  const running = document.querySelector("[data-ended]");
  if (running) {
    const timer = setInterval(async () => {
      try {
        const answer = await fetch(running.dataset.ended);
        if (answer.status === 200) location.reload();
        if (answer.status !== 204) clearInterval(timer);
      } catch { clearInterval(timer); }
    }, 1000);
  }
  const search = document.querySelector("[data-search]");
  if (search) {
    const count = document.getElementById("count");
    const rows = all("#divisions-list .choice");
    const boxOf = (row) => row.querySelector("input");
    const shown = () => rows.filter((row) => !row.hidden);
    const recount = () => {
      const ticked = rows.filter((row) => boxOf(row).checked).length + Number(count.dataset.elsewhere);
      count.textContent = count.dataset.text.replace("{ticked}", ticked).replace("{all}", count.dataset.all);
    };
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    };
    search.addEventListener("input", filter);
    for (const button of all("[data-do]")) {
      button.addEventListener("click", (event) => {
        if (count.dataset.narrowed) return;
        event.preventDefault();
        filter();
        if (button.dataset.do !== "search") for (const row of shown()) boxOf(row).checked = button.dataset.do === "all";
        recount();
      });
    }
    for (const row of rows) boxOf(row).addEventListener("change", recount);
  }
}
