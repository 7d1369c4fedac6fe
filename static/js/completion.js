// Completion of the search box: a list under it, moved in by the arrow keys, taken by Enter, Tab or the mouse.
(function () {
  "use strict";

  const DELAY = 120; // milliseconds after the last key
  let box = null;
  let popup = null;
  let timer = 0;
  let request = null;
  let at = -1;

  function options() {
    return Array.from(popup.querySelectorAll("[role=option]"));
  }

  function say(number) {
    const words = number === 0 ? "" : number + (number === 1 ? " suggestion" : " suggestions") + ", use the arrow keys";
    document.querySelector("[data-completion-said]").textContent = words;
  }

  function forget() {
    clearTimeout(timer);
    request?.abort();
  }

  function close() {
    forget();
    popup.hidden = true;
    at = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    say(0);
  }

  function mark(place) {
    const all = options();
    at = (place + all.length + 1) % (all.length + 1);
    if (at === all.length) {
      at = -1;
    }
    all.forEach(function (option, number) { option.setAttribute("aria-selected", String(number === at)); });
    if (at < 0) {
      box.removeAttribute("aria-activedescendant");
    } else {
      box.setAttribute("aria-activedescendant", all[at].id);
      all[at].scrollIntoView({block: "nearest"});
    }
  }

  function take(option) {
    box.value = option.dataset.text;
    box.focus();
    box.setSelectionRange(Number(option.dataset.caret), Number(option.dataset.caret));
    close();
    if (option.dataset.text.slice(0, option.dataset.caret).endsWith(":")) {
      ask();
    }
  }

  // Characters as the server counts them: code points, not UTF-16 units; and back.
  function caret() {
    return Array.from(box.value.slice(0, box.selectionStart)).length;
  }

  function inUnits(option) {
    const points = Array.from(option.dataset.text).slice(0, Number(option.dataset.caret));
    option.dataset.caret = points.join("").length;
  }

  async function ask() {
    forget();
    const own = request = new AbortController();
    const url = box.dataset.completion + "?" + new URLSearchParams({q: box.value, at: caret()});
    try {
      const response = await fetch(url, {signal: own.signal, redirect: "error"});
      const html = response.ok ? await response.text() : "";
      if (!own.signal.aborted) {
        show(html);
      }
    } catch {
      if (!own.signal.aborted) {
        close(); // completion is a help; the search works without
      }
    }
  }

  function show(html) {
    if (document.activeElement !== box) {
      return;
    }
    popup.innerHTML = html;
    options().forEach(inUnits);
    const number = options().length;
    popup.hidden = number === 0;
    at = -1;
    box.setAttribute("aria-expanded", String(number > 0));
    box.removeAttribute("aria-activedescendant");
    say(number);
  }

  // What is marked was for another text.
  function onInput() {
    forget();
    mark(-1);
    timer = setTimeout(ask, DELAY);
  }

  function onKey(event) {
    if (event.isComposing) {
      return;
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (popup.hidden) {
        ask();
      } else {
        mark(at + (event.key === "ArrowDown" ? 1 : -1));
      }
    } else if (event.key === "Escape" && !popup.hidden) {
      event.preventDefault();
      close();
    } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) {
      event.preventDefault();
      take(options()[at]);
    } else if (event.key === "Enter") {
      close();
    }
  }

  // Before the box loses the focus to the click.
  function onPress(event) {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) {
      take(option);
    }
  }

  function attach() {
    const found = document.querySelector("[data-completion]");
    if (!found || found === box) {
      return;
    }
    box = found;
    popup = document.getElementById("completion");
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-expanded", "false");
    box.setAttribute("aria-controls", "completion-list");
    box.addEventListener("input", onInput);
    box.addEventListener("keydown", onKey);
    box.addEventListener("blur", close);
    popup.addEventListener("mousedown", onPress);
  }

  attach();
  document.addEventListener("htmx:historyRestore", attach); // the browser's back button brings another box
})();
