// The list by keyboard, and the selection of rows: j, k, o, x, Esc and ?, the phone's filters, ids to copy.
(function () {
  "use strict";

  let current = null;

  function rows() {
    return Array.from(document.querySelectorAll("[data-list] tbody tr"));
  }

  function move(step) {
    const all = rows();
    const at = all.indexOf(current);
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
    if (next) {
      go(next);
    }
  }

  function go(row) {
    current?.classList.remove("row-current");
    current = row;
    row.classList.add("row-current");
    row.querySelector(".list-id a").focus({preventScroll: true});
    row.scrollIntoView({block: "nearest"});
  }

  function boxes() {
    return Array.from(document.querySelectorAll("[data-select]"));
  }

  function select(box, on) {
    box.checked = on;
    box.closest("tr").toggleAttribute("data-selected", on);
  }

  function showSelection() {
    const bar = document.querySelector("[data-selection]");
    if (!bar) {
      return;
    }
    const chosen = boxes().filter(function (box) { return box.checked; });
    const matching = bar.querySelector("[data-select-matching]");
    const isWhole = chosen.length > 0 && chosen.length === boxes().length;
    matching.checked = matching.checked && isWhole;
    bar.toggleAttribute("data-open", chosen.length > 0);
    bar.querySelector("[data-selection-count]").textContent = matching.checked ? "All selected" : chosen.length + " selected";
    const number = document.getElementById("number")?.textContent.match(/[\d,]+\+?/);
    if (number) {
      bar.querySelector("[data-matching]").textContent = number[0];
    }
    const all = document.querySelector("[data-select-all]");
    all.checked = isWhole;
    all.indeterminate = chosen.length > 0 && !all.checked;
  }

  function selectAll(on) {
    boxes().forEach(function (box) { select(box, on); });
    showSelection();
  }

  function copyIds() {
    const ids = boxes().filter(function (box) { return box.checked; }).map(function (box) {
      return box.closest("tr").dataset.id;
    });
    convadmin.copy(ids.join("\n") + "\n", ids.length === 1 ? "Copied 1 id." : "Copied " + ids.length + " ids.");
  }

  const KEYS = {
    j: function () { move(1); },
    k: function () { move(-1); },
    o: function () { current?.querySelector(".list-id a").click(); },
    x: function () {
      const box = current?.querySelector("[data-select]");
      if (box) {
        select(box, !box.checked);
        showSelection();
      }
    },
    "?": function () { document.getElementById("shortcuts")?.showModal(); },
    Escape: function () { selectAll(false); },
  };

  document.addEventListener("keydown", function (event) {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (typing && event.key === "Escape" && !event.defaultPrevented) {
      typing.blur();
      return;
    }
    const act = KEYS[event.key];
    if (!act || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
      return;
    }
    event.preventDefault();
    act();
  });

  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-select-matching]")) {
      const on = event.target.checked;
      boxes().forEach(function (box) { select(box, on || box.checked); });
      showSelection();
    } else if (event.target.matches("[data-select-all]")) {
      selectAll(event.target.checked);
    } else if (event.target.matches("[data-select]")) {
      select(event.target, event.target.checked);
      showSelection();
    }
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-selection-clear]")) {
      selectAll(false);
    } else if (event.target.closest("[data-selection-copy]")) {
      copyIds();
    }
    const filters = event.target.closest("[data-filters]");
    if (filters) {
      const shown = document.querySelector(".split").classList.toggle("split-filtered");
      filters.setAttribute("aria-expanded", String(shown));
    }
  });

  // A line of chips shows as many as fit; the number beside it counts the others too.
  function fitChips() {
    document.querySelectorAll(".chips-fit").forEach(function (cell) {
      const line = cell.querySelector(".chips-line");
      const more = cell.querySelector(".chip-more");
      if (line?.firstElementChild && more) {
        const top = line.firstElementChild.offsetTop;
        const hidden = Array.from(line.children).filter(function (chip) { return chip.offsetTop > top; }).length;
        const number = Math.max(0, Number(more.dataset.more)) + hidden;
        more.textContent = number ? "+" + number : "";
      }
    });
  }

  addEventListener("resize", fitChips);
  document.addEventListener("htmx:afterSettle", fitChips);
  fitChips();

  // Another page of the result has other rows: nothing stays selected that cannot be seen.
  function beginAnew() {
    current = null;
    showSelection();
  }

  document.addEventListener("htmx:historyRestore", beginAnew);
  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.target.id === "results") {
      beginAnew();
    }
  });

  // Coming back by the browser's own button, boxes may still be ticked. The row that the URL names gets the
  // focus only now, because the browser takes it away when it goes to the row itself.
  addEventListener("pageshow", function () {
    selectAll(false);
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.matches("[data-list] tr")) {
      go(target);
    }
  });
})();
