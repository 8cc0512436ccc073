// Every htmx request carries the page's CSRF token; htmx 4 does not inherit hx-headers by itself.
(() => {
  document.addEventListener("htmx:config:request", (event) => {
    const { request } = event.detail.ctx;
    const token = document.querySelector('meta[name="csrf-token"]');
    if (token && !["GET", "HEAD"].includes(request.method)) request.headers["X-CSRFToken"] = token.content;
  });
})();
