// Tells the server the browser's time zone, in which it shows times to those who have chosen none.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const written = `pharos_zone=${zone}`;
  if (zone && !document.cookie.split("; ").includes(written)) {
    document.cookie = `${written}; path=${document.documentElement.dataset.root}; max-age=31536000; SameSite=Lax${secure}`;
  }
})();
