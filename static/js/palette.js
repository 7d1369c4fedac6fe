// The command palette: Ctrl K opens it, the arrow keys move in it, Enter opens what is marked, or the first.
(function () {
  "use strict";

  function palette() {
    return document.querySelector("dialog.palette");
  }

  function links() {
    return Array.from(palette().querySelectorAll(".destinations a"));
  }

  function open() {
    const box = palette().querySelector("input");
    palette().showModal();
    box.select();
    if (!links().length) {
      box.dispatchEvent(new Event("open")); // what was found before stays
    }
  }

  function move(step) {
    const all = [palette().querySelector("input"), ...links()];
    const at = all.indexOf(document.activeElement);
    all[(at + step + all.length) % all.length].focus();
  }

  document.addEventListener("keydown", function (event) {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && palette()) {
      event.preventDefault();
      if (palette().open) {
        palette().close();
      } else if (!document.querySelector("dialog[open]")) {
        open();
      }
    } else if (palette()?.open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    }
  });

  document.addEventListener("submit", function (event) {
    if (event.target.closest("dialog.palette") && links().length) {
      event.preventDefault();
      links()[0].click();
    }
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-palette]") && palette()) {
      event.preventDefault();
      open();
    } else if (event.target === palette()) {
      palette().close(); // outside of it
    }
  });
})();
