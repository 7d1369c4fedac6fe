// Completion of the search box: a list under it, moved in by the arrow keys, taken by Enter, Tab or the mouse.
(function () {
  "use strict";

  const DELAY = 120; // milliseconds after the last key
  const box = document.querySelector("[data-completion]");
  const popup = document.getElementById("completion");
  const said = document.querySelector("[data-completion-said]");
  let timer = 0;
  let request = null;
  let at = -1;

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-expanded", "false");
  box.setAttribute("aria-controls", "completion-list");

  function options() {
    return Array.from(popup.querySelectorAll("[role=option]"));
  }

  function close() {
    clearTimeout(timer);
    request?.abort();
    popup.hidden = true;
    at = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
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
    clearTimeout(timer);
    request?.abort();
    request = new AbortController();
    const address = box.dataset.completion + "?" + new URLSearchParams({q: box.value, at: caret()});
    try {
      const response = await fetch(address, {signal: request.signal, redirect: "error"});
      if (response.ok) {
        show(await response.text());
      }
    } catch {
      close(); // completion is a help; the search works without
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
    said.textContent = number === 0 ? "" : number + (number === 1 ? " completion" : " completions") + ", by arrow keys";
  }

  box.addEventListener("input", function () {
    clearTimeout(timer);
    timer = setTimeout(ask, DELAY);
  });

  box.addEventListener("keydown", function (event) {
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
  });

  // Before the box loses the focus to the click.
  popup.addEventListener("mousedown", function (event) {
    const option = event.target.closest("[role=option]");
    if (option) {
      event.preventDefault();
      take(option);
    }
  });

  box.addEventListener("blur", close);
})();
