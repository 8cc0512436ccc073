// A part that the network kept from loading says so in its place, and is asked for again when somebody wants it.
(() => {
  const failed = (part) => {
    const place = part.querySelector(".card-body") ?? part;
    const box = document.createElement("div");
    box.className = "tile-error";
    box.setAttribute("role", "alert");
    const title = document.createElement("strong");
    title.className = "bad";
    title.textContent = "This part did not load";
    const cause = document.createElement("p");
    cause.textContent = navigator.onLine ? "The console did not answer. It may be restarting." : "This computer is offline.";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-s";
    button.textContent = "Try again";
    button.addEventListener("click", () => {
      button.disabled = true;
      htmx.ajax("GET", part.getAttribute("hx-get"), { source: part, target: part, swap: part.getAttribute("hx-swap") });
    });
    box.append(title, cause, button);
    place.replaceChildren(box);
  };

  document.addEventListener("htmx:error", (event) => {
    const part = event.detail.ctx?.sourceElement;
    // What was shown once stays; its top bar says that it is stale.
    if (part?.matches("[hx-get]") && part.querySelector(".skeleton, .tile-error")) failed(part);
  });
})();
