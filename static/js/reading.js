// Reading a transcript: n and p for the user’s messages, code and links to copy, an item that is looked for.
(function () {
  "use strict";

  const {say, copy} = convadmin;
  let waiting = 0; // 1 or -1 while the page with the next or previous message is being fetched

  function messages() {
    return Array.from(document.querySelectorAll("#items .turn-user > .item"));
  }

  function show(item) {
    item.closest("details")?.setAttribute("open", "");
    item.tabIndex = -1;
    item.focus({preventScroll: true});
    item.scrollIntoView({block: "start"});
  }

  // The message after or before the one in focus, or else after or before what is at the top of the window.
  function beside(step) {
    const all = messages();
    const here = document.activeElement.closest("#items .item");
    const isBeside = here
      ? function (item) {
        return here.compareDocumentPosition(item) & (step > 0 ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING);
      }
      : function (item) { return step > 0 ? item.getBoundingClientRect().bottom > 0 : item.getBoundingClientRect().top < 0; };
    const found = all.filter(isBeside);
    return step > 0 ? found[0] : found[found.length - 1];
  }

  function go(step) {
    const item = beside(step);
    const more = document.querySelector(step > 0 ? "#more-items a[rel=next]" : "#items a[rel=prev]");
    if (item) {
      show(item);
    } else if (more) {
      waiting = step;
      more.click();
    } else {
      say(step > 0 ? "There’s no later message of a user." : "There’s no earlier message of a user.");
    }
  }

  const KEYS = {
    n: function () { go(1); },
    p: function () { go(-1); },
  };

  document.addEventListener("keydown", function (event) {
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select");
    const act = KEYS[event.key];
    if (act && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      act();
    }
  });

  function offerCopies() {
    document.querySelectorAll(".transcript pre").forEach(function (code) {
      if (!code.parentElement.matches(".copyable")) {
        const frame = document.createElement("div");
        frame.className = "copyable";
        const button = document.createElement("button");
        button.type = "button";
        button.className = "button button-small";
        button.textContent = "Copy";
        button.setAttribute("aria-label", "Copy this code");
        button.dataset.copyCode = "";
        code.replaceWith(frame);
        frame.append(code, button);
      }
    });
  }

  function linkTo(item) {
    const list = document.querySelector("[data-list]")?.dataset.list;
    const id = encodeURIComponent(item.id.slice("item-".length));
    return new URL(list ? list + "?item_at=" + id + "#item-" + id : location.pathname, location).href;
  }

  document.addEventListener("click", function (event) {
    const code = event.target.closest("[data-copy-code]");
    const link = event.target.closest("[data-copy-link]");
    const id = event.target.closest("[data-copy-id]");
    if (code) {
      copy(code.previousElementSibling.textContent);
    } else if (link) {
      copy(linkTo(link.closest(".item")));
    } else if (id) {
      copy(id.closest(".item").id.slice("item-".length));
    }
  });

  // A rendered message is copied as it's written, which only its own page in raw text has.
  document.addEventListener("click", async function (event) {
    const button = event.target.closest("[data-copy-item]");
    const item = button?.closest("[data-item]");
    const page = item?.querySelector(".markdown") && button.dataset.copyItem;
    if (page) {
      event.stopPropagation();
      try {
        const response = await fetch(page);
        const raw = new DOMParser().parseFromString(await response.text(), "text/html");
        const texts = Array.from(raw.querySelectorAll("[data-item] [data-text]"));
        await copy(texts.map(function (text) { return text.textContent; }).join("\n\n"));
      } catch {
        say("Convadmin didn’t respond. Open the item to copy it.");
      }
    }
  }, true);

  function showTarget() {
    const item = location.hash.startsWith("#item-") && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (item) {
      show(item);
    }
  }

  addEventListener("hashchange", showTarget);
  document.addEventListener("htmx:afterSettle", function () {
    offerCopies();
    if (waiting) {
      const step = waiting;
      waiting = 0;
      const all = messages();
      const item = step > 0 ? beside(1) : all[all.length - 1];
      if (item) {
        show(item);
      }
    }
  });
  offerCopies();
  showTarget();
})();
