// Copies the text of data-copy and says so.
(() => {
  const fallback = (text) => {
    const area = document.createElement("textarea");
    area.className = "sr";
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy"); // the only way on a plain http address
    area.remove();
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    event.preventDefault();
    const text = button.dataset.copy;
    if (navigator.clipboard && window.isSecureContext) await navigator.clipboard.writeText(text);
    else fallback(text);
    button.dataset.copied = "";
    const live = document.querySelector("[data-live]");
    if (live) live.textContent = "Copied";
    setTimeout(() => { delete button.dataset.copied; }, 1200);
  });
})();
