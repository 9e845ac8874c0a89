"use strict";
{
  const address = document.getElementById("address");
  const button = document.getElementById("copy");
  if (/[?&](code|error)=/.test(location.search)) {
    address.textContent = location.href;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(location.href);
      button.textContent = button.dataset.copied;
    });
  }
}
