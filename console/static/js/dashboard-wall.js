// A wall goes from tab to tab and outlives its server: what it shows stays until what follows has arrived.
(() => {
  const PATIENCE = 15000; // milliseconds for an answer
  let since = "";

  const time = () => new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: document.documentElement.dataset.zone });
  const say = (text) => {
    const place = document.querySelector("[data-wall-state]");
    if (place && place.textContent !== text) place.textContent = text;
  };
  const next = () => document.querySelector("[data-wall]");

  // What is taller than the screen is shown screen by screen before what follows.
  const isScrolled = () => {
    const before = window.scrollY;
    window.scrollBy({ top: window.innerHeight * 0.9, behavior: "instant" });
    return window.scrollY > before + 8;
  };

  // The page is left only for one that is there: a server that restarts, or asks for a sign-in, changes nothing.
  const turn = async () => {
    if (!since && isScrolled()) {
      later();
      return;
    }
    const address = next().dataset.wall;
    try {
      const answer = await fetch(address, { credentials: "same-origin", redirect: "manual", signal: AbortSignal.timeout(PATIENCE) });
      if (answer.status !== 200) throw new Error(`${address}: ${answer.status}`);
      location.replace(address);
    } catch {
      since ||= time();
      say(`Stale since ${since}, retrying`);
      later();
    }
  };
  const later = () => setTimeout(turn, Number(next().dataset.wallEvery) * 1000);
  document.addEventListener("DOMContentLoaded", () => { if (next()) later(); });
})();
