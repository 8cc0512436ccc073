// A search with data-complete offers what its present word may become; arrows choose, Enter or Tab takes it.
(() => {
  const DELAY = 120;
  const WORD = /!?(?:(?:"[^"]*"|[^\s":]+):)?(?:"(?:[^"\\]|\\.)*"?|\[[^\]]*\]?|\S*)/y; // a value in quotes or brackets is of it
  let latest = 0;
  let waiting;

  // Words are read from the start: a quote at the caret may open a value, or close one.
  const lastWord = (text) => {
    for (let at = 0; at < text.length; at = Math.max(WORD.lastIndex, at + 1)) {
      at += text.slice(at).search(/\S|$/);
      WORD.lastIndex = at;
      const [word] = WORD.exec(text);
      if (at + word.length >= text.length) return word;
    }
    return "";
  };
  const list = (input) => input.parentElement.querySelector('[role="listbox"]');
  const options = (input) => [...(list(input)?.querySelectorAll('[role="option"]') ?? [])];
  const chosen = (input) => options(input).find((option) => option.getAttribute("aria-selected") === "true");
  const close = (input) => {
    clearTimeout(waiting);
    latest += 1;
    list(input)?.remove();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (input, option) => {
    for (const each of options(input)) each.setAttribute("aria-selected", String(each === option));
    if (option) input.setAttribute("aria-activedescendant", option.id);
    option?.scrollIntoView({ block: "nearest" });
  };
  const offer = async (input) => {
    const present = (latest += 1);
    const word = lastWord(input.value.slice(0, input.selectionStart));
    const address = new URL(input.dataset.complete, location.href);
    address.searchParams.set("word", word.slice(0, 200));
    const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) return;
    const html = await answer.text();
    if (present !== latest || document.activeElement !== input) return;
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector('[role="listbox"]');
    list(input)?.remove();
    const isUseful = fresh?.querySelector('[role="option"]');
    if (isUseful) input.parentElement.append(fresh);
    input.setAttribute("aria-expanded", String(Boolean(isUseful)));
    input.removeAttribute("aria-activedescendant");
  };
  const take = (input, option) => {
    const before = input.value.slice(0, input.selectionStart);
    const after = input.value.slice(input.selectionStart);
    const { text } = option.dataset;
    const isName = text.endsWith(":");
    const start = before.slice(0, before.length - lastWord(before).length) + text + (isName || after.startsWith(" ") ? "" : " ");
    input.value = start + after;
    input.setSelectionRange(start.length, start.length);
    close(input);
    if (isName) offer(input);
  };
  const soon = (input) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => offer(input), DELAY);
  };

  const of = (event) => (event.target.matches?.("input[data-complete]") ? event.target : null);
  document.addEventListener("input", (event) => of(event) && soon(of(event)));
  document.addEventListener("focusin", (event) => {
    const input = of(event);
    if (!input) return;
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", "completions"]]) input.setAttribute(name, value);
    if (!input.hasAttribute("aria-expanded")) input.setAttribute("aria-expanded", "false");
    if (!input.value) soon(input);
  });
  document.addEventListener("focusout", (event) => of(event) && close(of(event)));
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest?.('.completions [role="option"]');
    if (!option) return;
    event.preventDefault(); // the caret stays where the word is
    take(option.closest(".search").querySelector("input[data-complete]"), option);
  });
  document.addEventListener("keydown", (event) => {
    const input = of(event);
    if (!input || !list(input) || event.isComposing) return;
    const all = options(input);
    const present = chosen(input);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      const index = present ? all.indexOf(present) + step : step > 0 ? 0 : all.length - 1;
      choose(input, all[(index + all.length) % all.length]);
    } else if ((event.key === "Enter" || event.key === "Tab") && present) take(input, present);
    else if (event.key === "Escape") close(input);
    else return;
    event.preventDefault();
  });
})();
